"""What doctor prints, its options, and the exit statuses that are dump's."""
import json
import os
import re
import subprocess

import pytest

import gilspy
from target import until

MACHINE = ["kernel", "proc", "hidepid", "user_namespace", "ptrace", "yama", "seccomp", "read", "stop", "syscall",
           "map_files", "perf", "traps", "locale", "terminal"]
PROCESS = ["process", "process_user_namespace", "process_user", "process_dumpable", "process_capabilities",
           "process_yama", "process_read", "process_state", "process_tracer", "process_container", "process_python",
           "process_library", "process_watch"]


def doctor(*args, **env):
    return gilspy.run("doctor", *args, env=dict(os.environ, **env))


def document_of(done):
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert set(document) == {"schema", "pid", "checks", "usable"} and document["schema"] == 1
    for check in document["checks"]:
        assert set(check) == {"name", "ok", "text", "mend"}
        assert isinstance(check["ok"], bool) and check["text"] and (check["mend"] is None or check["mend"])
    checks = {check["name"]: check["ok"] for check in document["checks"]}
    exact = done.returncode == 0 and checks.get("process_watch", checks["perf"])
    assert document["usable"] == {"dump": done.returncode == 0, "exact": exact,
                                  "native": done.returncode == 0 and checks["syscall"]}
    return document


def names(document):
    return [check["name"] for check in document["checks"]]


def test_machine():
    done = doctor("--json")
    document = document_of(done)
    assert names(document) == MACHINE and document["pid"] is None
    if os.geteuid() == 0:
        assert done.returncode == 0
    checks = {check["name"]: check for check in document["checks"]}
    assert checks["kernel"]["text"] == "Linux %s on x86-64" % os.uname().release
    assert checks["read"]["ok"] == (done.returncode == 0)


def test_process(target):
    for pid in target.pid, target.began["tids"]["worker"]:
        done = doctor("-j", "-p", pid)
        document = document_of(done)
        assert done.returncode == 0 and names(document) == MACHINE + PROCESS and document["pid"] == target.pid
        checks = {check["name"]: check for check in document["checks"]}
        assert all(checks[name]["ok"] and checks[name]["mend"] is None for name in PROCESS if name != "process_watch")
        assert checks["process_watch"]["ok"] == checks["perf"]["ok"]
        assert "process %d: /usr/bin/python3 " % target.pid in checks["process"]["text"]
        assert (checks["process"]["text"].startswith("%d is a thread of " % pid)) == (pid != target.pid)


def test_traps():
    """Tried only where that is asked for: it takes a second."""
    texts = [next(check["text"] for check in document_of(doctor("--json", *more))["checks"] if check["name"] == "traps")
             for more in ([], ["-v"])]
    if "no address can be watched" not in texts[0]:
        assert "-v tries" in texts[0] and re.search(r"of 200000 watched stores \d+ trapped without a reason", texts[1])


def test_text(target):
    done = doctor("-p", target.pid, LC_ALL="C.UTF-8", TERM="xterm")
    assert (done.returncode, done.stderr) == (0, "") and "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines[:lines.index("")] if not line.startswith(" ")] == MACHINE + PROCESS
    assert set(line[0] for line in lines[:lines.index("")]) <= set("✓• ")
    exact = re.search("process_watch +its GIL can be watched", done.stdout)
    assert lines[-1] == "dump, top and ps can be used on process %d. trace and stat --exact can%s." % (
        target.pid, " be used, too" if exact else "not be used")
    plain = doctor("-p", target.pid, LC_ALL="C", TERM="xterm")
    assert plain.stdout.isascii() and re.search(r"^ok       process_user  ", plain.stdout, re.M)
    assert re.search(r"^note     locale .*\n +-> export LC_ALL=C.UTF-8$", plain.stdout, re.M)
    assert "\x1b[32mok\x1b[0m" in doctor("--color=always", LC_ALL="C", TERM="xterm").stdout


@pytest.mark.parametrize("term, ok", [("xterm", True), ("nonsense", False), ("dumb", False), ("", False)])
def test_terminal(term, ok):
    checks = {check["name"]: check for check in document_of(doctor("-j", TERM=term))["checks"]}
    assert checks["terminal"]["ok"] == ok and (checks["terminal"]["mend"] is None) == ok


def test_quiet(target):
    done = doctor("-q", "-p", target.pid, TERM="nonsense")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = doctor("-q", "-p", 2 ** 22 - 1)
    assert done.returncode == 3 and done.stdout.count("\n") == 1 and "there is no process 4194303" in done.stdout


def check_ended(done, status, text):
    document = document_of(done)
    assert done.returncode == status and names(document) == MACHINE + ["process"]
    assert not document["checks"][-1]["ok"] and text in document["checks"][-1]["text"]


def test_no_process():
    process = subprocess.Popen(["true"])
    process.wait()
    check_ended(doctor("-j", "-p", process.pid), 3, "there is no process %d" % process.pid)


def test_zombie():
    pid = os.spawnlp(os.P_NOWAIT, "true", "true")

    def state():
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    until(lambda: state() == "Z", "a zombie")
    check_ended(doctor("-j", "-p", pid), 3, "it is a zombie that its parent, %d, has not waited for" % os.getpid())
    os.waitpid(pid, 0)


def test_kernel_thread():
    try:
        with open("/proc/2/stat") as file:
            name, fields = file.read().rsplit(")", 1)
    except FileNotFoundError:
        pytest.skip("no kernel thread can be seen from here")
    if not int(fields.split()[6]) & 0x00200000:  # PF_KTHREAD
        pytest.skip("no kernel thread can be seen from here")
    check_ended(doctor("-j", "-p", 2), 5, "process 2 is a thread of the kernel")


def test_not_python():
    process = subprocess.Popen(["sleep", "1000"])
    try:
        until(lambda: os.readlink("/proc/%d/exe" % process.pid).endswith("sleep"), "sleep to run")
        done = doctor("-j", "-p", process.pid)
        document = document_of(done)
        checks = {check["name"]: check for check in document["checks"]}
        assert done.returncode == 5 and not checks["process_python"]["ok"] and checks["process_read"]["ok"]
        done = doctor("-p", process.pid)
        assert "cannot be used on process %d: not a CPython process" % process.pid in done.stdout
    finally:
        process.kill()
        process.wait()


def test_output_file(target, tmp_path):
    path = tmp_path / "doctor.json"
    done = doctor("-j", "-p", target.pid, "-o", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads(path.read_text())["pid"] == target.pid
    done = doctor("-o", tmp_path / "no" / "file")
    assert (done.returncode, done.stdout) == (1, "") and "No such file" in done.stderr


def test_unwritable_output():
    with open("/dev/full", "w") as full:
        for args in (), ("-j",):
            done = gilspy.run("doctor", *args, stdout=full)
            assert done.returncode == 1 and "No space left" in done.stderr and done.stderr.count("\n") == 1
    reader, writer = os.pipe()
    os.close(reader)
    done = gilspy.run("doctor", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_named_twice(target):
    once, twice = doctor("-j", "-p", target.pid), doctor("-j", "-p", "%d,%d" % (target.pid, target.pid), "-p", target.pid)
    assert (twice.returncode, names(document_of(twice))) == (0, names(document_of(once)))


@pytest.mark.parametrize("words", [["-p", "1,2"], ["1"], ["-p", "0"], ["-s"], ["--exact"]])
def test_wrong_usage(words):
    done = gilspy.run("doctor", *words)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.count("\n") == 1


def test_help():
    done = gilspy.run("help", "doctor")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("Usage: gilspy doctor [OPTION...]\n")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert re.search(r"^ +doctor +\w", gilspy.run("help").stdout, re.M)
    assert "Did you mean gilspy doctor?" in gilspy.run("docter").stderr
