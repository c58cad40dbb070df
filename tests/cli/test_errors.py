"""What goes wrong is told in one line on stderr, with the exit status that the manual promises."""
import os
import subprocess
import sys
import time

import pytest

import gilspy
from target import running, until

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
COMMANDS = ("dump", "ps", "top")


NO_TABLE = "PID  USER  PYTHON  THREADS  GIL  COMMAND\n"  # what ps prints for nothing, as ps(1) does


def check_failure(done, status, *words, stdout=""):
    """One line, on stderr alone, that says who, what and why."""
    assert (done.returncode, done.stdout) == (status, stdout)
    assert done.stderr.startswith("gilspy: ") and done.stderr.endswith("\n") and done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def free_pid():
    """A pid that no process has: one that has just ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture
def other():
    """Something that is no Python, asleep."""
    process = subprocess.Popen(["sleep", "1000"])
    until(lambda: os.readlink("/proc/%d/exe" % process.pid).endswith("sleep"), "sleep to run")
    yield process.pid
    process.kill()
    process.wait()


def usage(command, pid):
    return (command, "-p", pid, *(["--once"] if command == "top" else []))


@pytest.mark.parametrize("command", COMMANDS)
def test_no_process(command):
    check_failure(gilspy.run(*usage(command, free_pid())), 3, stdout=NO_TABLE if command == "ps" else "")


@pytest.mark.parametrize("command", COMMANDS)
def test_zombie(command):
    pid = os.spawnlp(os.P_NOWAIT, "true", "true")

    def state():
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    until(lambda: state() == "Z", "a zombie")
    check_failure(gilspy.run(*usage(command, pid)), 3, stdout=NO_TABLE if command == "ps" else "")
    os.waitpid(pid, 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_not_python(command, other):
    check_failure(gilspy.run(*usage(command, other)), 5, stdout=NO_TABLE if command == "ps" else "")


def kernel_threads():
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name) as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[6]) & 0x00200000:  # PF_KTHREAD
            yield int(name)


def test_kernel_thread():
    pid = next(kernel_threads(), None)
    if pid is None:
        pytest.skip("no kernel thread can be seen from here")
    check_failure(gilspy.run("dump", "-p", pid), 5)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_not_permitted(command, target, tmp_path):
    """Another user's process; nobody may not even run what lies in a folder of root's."""
    program = tmp_path / "gilspy"
    program.write_bytes(open(gilspy.PROGRAM, "rb").read())
    program.chmod(0o755)
    for folder in [tmp_path, *tmp_path.parents]:
        if str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run([*NOBODY, program, *map(str, usage(command, target.pid))], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if command == "ps":
        assert done.returncode == 0 and "root" in done.stdout
        return
    check_failure(done, 4, "belongs to another user, root", "sudo gilspy")


def test_ends_halfway(system_python, folders):
    """Targets that are killed before the look, around the time of it, and after it: either a dump or the word that it is
    gone."""
    with running(system_python, folders, "states.py", "idle", pipes=["begin"]) as target:
        began = time.monotonic()
        gilspy.dump(target.pid)
        usual = time.monotonic() - began
    last = 40
    for step in range(last + 1):
        with running(system_python, folders, "states.py", "idle", pipes=["begin"]) as target:
            if step == 0:
                target.process.kill()
                os.waitid(os.P_PID, target.pid, os.WEXITED | os.WNOWAIT)
            dump = subprocess.Popen([gilspy.PROGRAM, "dump", "-j", "-p", str(target.pid)], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)
            deadline = time.monotonic() + usual * step / 20
            while 0 < step < last and time.monotonic() < deadline:
                pass
            if step == last:
                dump.wait(timeout=90)
            target.process.kill()
            out, err = dump.communicate(timeout=90)
            done = (dump.returncode, bool(out), bool(err))
            expected = {0: [(3, False, True)], last: [(0, True, False)]}
            assert done in expected.get(step, [(0, True, False), (3, False, True), (1, False, True)])


@pytest.mark.parametrize("words", [
    ["dump"], ["dump", "-p"], ["dump", "-p", "abc"], ["dump", "-p", "0"], ["dump", "-p", "-1"], ["dump", "-p", ""],
    ["dump", "-p", "1,"], ["dump", "-p", "99999999999"], ["dump", "-p", "1x"], ["dump", "1"], ["dump", "--pid"],
    ["dump", "--color", "sometimes", "-p", "1"], ["dump", "--max-pause", "2", "-p", "1"],
    ["dump", "--json=1", "-p", "1"],
    ["dump", "--assume-python", "three", "-p", "1"], ["top", "--rate", "0", "-p", "1"],
    ["top", "--duration", "long", "-p", "1"], ["nonsense"], ["dump", "-Z", "-p", "1"], ["dump", "--nonsense"],
    ["ps", "--once"], ["help", "nonsense"], ["help", "dump", "top"],
])
def test_wrong_usage(words):
    check_failure(gilspy.run(*words), 2)


def test_no_command():
    done = gilspy.run()
    assert done.returncode == 2 and "dump" in done.stdout + done.stderr


@pytest.mark.parametrize("words, nearest", [
    (["dmup"], "dump"), (["topp"], "top"), (["dump", "--jsno"], "--json"), (["dump", "--local"], "--locals"),
    (["dump", "--non-blocking"], "--nonblocking"), (["top", "--duratoin", "1"], "--duration"),
    (["--verison"], "gilspy --version"), (["--hlep"], "gilspy --help"),
])
def test_names_the_nearest(words, nearest):
    check_failure(gilspy.run(*words), 2, nearest)


def test_unwritable_output(target, tmp_path):
    check_failure(gilspy.run("dump", "-p", target.pid, "-o", tmp_path / "no" / "file"), 1, "No such file")
    check_failure(gilspy.run("dump", "-p", target.pid, "-o", tmp_path), 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["dump", "-v"], ["dump", "-j"], ["ps"], ["ps", "-j"], ["ps", "--interval", "100ms"],
                                   ["top", "--once", "-d", "100ms"], ["stat", "-d", "100ms"],
                                   ["stat", "-j", "--interval", "100ms"], ["top", "-j"], ["why", "-d", "100ms"]])
def test_full_disk(target, words):
    with open("/dev/full", "w") as full:
        done = gilspy.run(*words, "-p", target.pid, stdout=full)
    assert done.returncode == 1 and "No space left" in done.stderr and done.stderr.count("\n") == 1
    check_failure(gilspy.run(*words, "-p", target.pid, "-o", "/dev/full"), 1, "No space left")


@pytest.mark.parametrize("words", [["--version"], ["help"], ["help", "dump"], ["dump", "--help"]])
def test_full_disk_for_help(words):
    with open("/dev/full", "w") as full:
        done = gilspy.run(*words, stdout=full)
    assert done.returncode == 1 and "No space left" in done.stderr


@pytest.mark.parametrize("words", [["dump", "-v"], ["dump", "-j"], ["ps"], ["top", "--once", "-d", "100ms"]])
def test_closed_pipe(target, words):
    """A reader who has left is no reason for a message."""
    reader, writer = os.pipe()
    os.close(reader)
    done = gilspy.run(*words, "-p", target.pid, stdout=writer)
    os.close(writer)
    assert done.stderr == "" and done.returncode in (0, 1, -13)


def test_closed_output(target):
    """No standard output at all."""
    done = subprocess.run([sys.executable, "-c", "import os, sys; os.close(1); os.execv(sys.argv[1], sys.argv[1:])",
                           gilspy.PROGRAM, "dump", "-p", str(target.pid)], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and done.stderr.startswith("gilspy: ")


def test_several_with_one_missing(target):
    """The others are shown all the same."""
    done = gilspy.run("dump", "-j", "-p", free_pid(), "-p", target.pid)
    assert done.returncode == 3 and '"pid": %d' % target.pid in done.stdout and "gilspy: " in done.stderr
