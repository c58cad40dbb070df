"""Each barrier between gilspy and a process, really raised: dump, ps and doctor name it and what mends it, and nothing
is called no Python, or no process, that only may not be looked at."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

import barriers
import gilspy
import pythons
from target import running, until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="raising barriers needs root")
NO_TABLE = "PID  USER  PYTHON  THREADS  GIL  COMMAND\n"
OUTSIDE = "outside of the user namespace that gilspy is in"
GIVE = "--cap-add=SYS_PTRACE"


class Behind(pythons.Python):
    """This machine's Python, started with these words before it."""
    def __init__(self, before=()):
        self.before = tuple(before)
        super().__init__("/usr/bin/python3", "", "system")

    def command(self, *args, path=None):
        return [*self.before, *super().command(*args, path=path)]


@pytest.fixture(scope="session")
def program():
    """gilspy where every user may run it."""
    folder = tempfile.mkdtemp(prefix="gilspy-test-", dir="/tmp")
    os.chmod(folder, 0o755)
    path = shutil.copy(gilspy.PROGRAM, folder)
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(folder)


def run(program, before, *args):
    environment = dict(os.environ, LC_ALL="C.UTF-8", ASAN_OPTIONS="detect_leaks=0")
    return subprocess.run([*before, program, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, timeout=180, encoding="utf-8", env=environment)


def examine(program, before, *args):
    """(exit status, the document, its checks by name) of doctor."""
    done = run(program, before, "doctor", "--json", *args)
    assert done.stderr == "", done.stderr
    document = json.loads(done.stdout)
    assert set(document) == {"schema", "pid", "checks", "usable"} and document["schema"] == 1
    assert all(set(check) == {"name", "ok", "text", "mend"} for check in document["checks"])
    checks = {check["name"]: check["ok"] for check in document["checks"]}
    exact = done.returncode == 0 and checks.get("process_watch", checks["perf"])
    native = done.returncode == 0 and checks["syscall"]
    assert document["usable"] == {"dump": done.returncode == 0, "native": native, "exact": exact}
    return done.returncode, document, {check["name"]: check for check in document["checks"]}


def check_refused(done, *words, status=4):
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("gilspy: ") and done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
    assert "not a CPython" not in done.stderr and "no process" not in done.stderr


# name of doctor's check -> (before the target, before gilspy, words of the barrier, words of what mends it)
REFUSED = {
    "another-user": ("process_user", (), barriers.user(), "it belongs to another user, root", "sudo gilspy"),
    "number": ("process_user", barriers.user(4000000), barriers.user(), "another user, number 4000000", "sudo gilspy"),
    "another-group": ("process_user", ("setpriv", "--reuid=65534", "--regid=65533", "--clear-groups"),
                      barriers.user(), "it belongs to another group, 65533, than gilspy, 65534", "sudo gilspy"),
    "changed-user": ("process_user", ("setpriv", "--ruid=65534", "--regid=65534", "--clear-groups"), barriers.user(),
                     "it belongs to nobody and has the rights of root", "sudo gilspy"),
    "capability": ("process_capabilities", (), barriers.WITHOUT_PTRACE,
                   "it has a capability that gilspy lacks, CAP_SYS_PTRACE", GIVE),
    "root-without-capability": ("process_user", barriers.user(), barriers.WITHOUT_PTRACE,
                                "another user, nobody, and root lacks CAP_SYS_PTRACE here", GIVE),
    "more-capabilities": ("process_capabilities", barriers.user() + ("--inh-caps=+net_bind_service",
                                                                     "--ambient-caps=+net_bind_service"),
                          barriers.user(), "a capability that gilspy lacks, CAP_NET_BIND_SERVICE", "sudo gilspy"),
    "sandbox": ("process_user", (), barriers.user() + ("--no-new-privs",), "another user, root", "no_new_privs"),
    "outside": ("process_user_namespace", (), ("unshare", "--user"), OUTSIDE, "run gilspy outside"),
    "outside-as-root": ("process_user_namespace", (), ("unshare", "--user", "--map-root-user"), OUTSIDE,
                        "run gilspy outside"),
    "outside-same-user": ("process_user_namespace", barriers.user(),
                          barriers.user() + ("unshare", "--user", "--map-root-user"), OUTSIDE, "run gilspy outside"),
    "sibling": ("process_user_namespace", ("unshare", "--user", "--map-root-user"),
                barriers.user() + ("unshare", "--user", "--map-root-user"), OUTSIDE, "run gilspy outside"),
    "inside-of-roots": ("process_user_namespace", barriers.namespace_for(barriers.NOBODY), barriers.user(),
                        "it lives in another user namespace", "sudo gilspy"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, program, folders):
    check, target_before, before, what, mend = REFUSED[name]
    with running(Behind(target_before), folders, "states.py", "idle", pipes=["begin"]) as target:
        check_refused(run(program, before, "dump", "-p", target.pid), "cannot read process %d: " % target.pid, what,
                      "Try: ", mend)
        check_refused(run(program, before, "top", "--once", "-p", target.pid), what)

        document = json.loads(run(program, before, "ps", "--json").stdout)
        row = {each["pid"]: each for each in document["processes"]}[target.pid]
        assert not row["watchable"] and what in row["why_not"]
        with open("/proc/%d/cmdline" % target.pid) as file:
            assert row["command"] == file.read().split("\0")[:-1]  # that is open to all

        status, document, checks = examine(program, before, "-p", target.pid)
        assert (status, document["pid"]) == (4, target.pid)
        assert not checks[check]["ok"] and what in checks[check]["text"] and mend in checks[check]["mend"]
        assert not checks["process_read"]["ok"] and mend in checks["process_read"]["mend"]
        assert checks["process"]["ok"] and not checks["process_python"]["ok"]
        assert gilspy.run("dump", "-p", target.pid).returncode == 0  # root, from here


ALLOWED = {
    "below-as-root": (("unshare", "--user", "--map-root-user"), ()),
    "below-as-owner": (barriers.user() + ("unshare", "--user", "--map-root-user"), barriers.user()),
    "inside-of-roots": (barriers.namespace_for(barriers.NOBODY), ()),
    "same-user": (barriers.user(), barriers.user()),
    "any-user": (barriers.user(), ()),
    "same-namespace": (("unshare", "--user", "--map-root-user"), None),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed(name, program, folders):
    """Where the rules let pass, doctor agrees."""
    target_before, before = ALLOWED[name]
    with running(Behind(target_before), folders, "states.py", "idle", pipes=["begin"]) as target:
        if before is None:
            before = ("nsenter", "--user", "--preserve-credentials", "--target", str(target.pid))
        done = run(program, before, "dump", "-p", target.pid)
        assert (done.returncode, done.stderr) == (0, "")
        status, _, checks = examine(program, before, "-p", target.pid)
        assert status == 0
        assert [name for name in checks if name.startswith("process") and not checks[name]["ok"]] == []


def test_dumpable(program, folders):
    with running(Behind(barriers.user()), folders, "closed.py") as target:
        what = "it does not let itself be looked at (not dumpable"
        check_refused(run(program, barriers.user(), "dump", "-p", target.pid), what, "Try: sudo gilspy")
        row = json.loads(run(program, barriers.user(), "ps", "--json", "-p", target.pid).stdout)["processes"][0]
        assert not row["watchable"] and what in row["why_not"]
        status, _, checks = examine(program, barriers.user(), "-p", target.pid)
        assert status == 4 and not checks["process_dumpable"]["ok"] and checks["process_user"]["ok"]
        assert what in checks["process_dumpable"]["text"]
        status, _, checks = examine(program, (), "-p", target.pid)
        assert status == 0 and "CAP_SYS_PTRACE outweighs that" in checks["process_dumpable"]["text"]
        target.ask("open")
        assert run(program, barriers.user(), "dump", "-p", target.pid).returncode == 0
        status, _, checks = examine(program, barriers.user(), "-p", target.pid)
        assert status == 0 and checks["process_dumpable"]["ok"]


@pytest.mark.parametrize("kind", ["EPERM", "ENOSYS", "EACCES"])
def test_seccomp(kind, program, folders):
    before, what = barriers.filtered(kind), "a seccomp filter forbids process_vm_readv to gilspy"
    with running(Behind(), folders, "states.py", "idle", pipes=["begin"]) as target:
        check_refused(run(program, before, "dump", "-p", target.pid), what, GIVE, "seccomp=unconfined")
        row = json.loads(run(program, before, "ps", "--json", "-p", target.pid).stdout)["processes"][0]
        assert not row["watchable"] and what in row["why_not"]
        for args in (), ("-p", target.pid):
            status, _, checks = examine(program, before, *args)
            assert status == 4 and not checks["seccomp"]["ok"] and not checks["read"]["ok"]
            assert checks["seccomp"]["text"] == what and GIVE in checks["seccomp"]["mend"]
            assert checks["stop"]["ok"]  # what is not filtered works
        assert what in checks["process_read"]["text"]


def test_a_command_that_may_not_be_read(program):
    done = run(program, barriers.filtered("EPERM"), "stat", "--", "/usr/bin/python3", "-c", "sum(range(10 ** 7))")
    assert done.returncode == 1 and "a seccomp filter forbids process_vm_readv to gilspy" in done.stderr
    assert "no Python was met" not in done.stderr


def test_deadly_seccomp(program, folders):
    """Whoever calls it dies; doctor lives to tell."""
    before, what = barriers.filtered("kill"), "a seccomp filter kills gilspy when it calls process_vm_readv"
    with running(Behind(), folders, "states.py", "idle", pipes=["begin"]) as target:
        assert run(program, before, "dump", "-p", target.pid).returncode == -signal.SIGSYS
        for args in (), ("-p", target.pid):
            status, _, checks = examine(program, before, *args)
            assert status == 4 and not checks["seccomp"]["ok"] and checks["seccomp"]["text"] == what
        assert what in checks["process_read"]["text"]


def test_harmless_seccomp(program, folders):
    """A filter that lets pass what gilspy needs."""
    with running(Behind(), folders, "states.py", "idle", pipes=["begin"]) as target:
        status, _, checks = examine(program, barriers.filtered("pass"), "-p", target.pid)
        assert status == 0 and checks["seccomp"]["ok"] and "a seccomp filter is active" in checks["seccomp"]["text"]


def kernel():
    return tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups()))


own_proc = pytest.mark.skipif(kernel() < (5, 8), reason="before Linux 5.8 hidepid is one for all /proc")


@own_proc
@pytest.mark.parametrize("level", [1, 2, 4])
def test_hidepid(level, program, folders):
    before = barriers.with_proc("hidepid=%d,gid=65533" % level, barriers.user())
    what = "cannot look at process %d: it is hidden, /proc is mounted with hidepid=%d"
    with running(Behind(), folders, "states.py", "idle", pipes=["begin"]) as target:
        mends = ["Try: sudo gilspy ... -p %d" % target.pid] + ["member of group 65533"] * (level < 4)
        check_refused(run(program, before, "dump", "-p", target.pid), what % (target.pid, level), *mends)
        worker = target.began["tids"]["worker"]
        check_refused(run(program, before, "dump", "-p", worker), what % (worker, level))
        done = run(program, before, "ps", "-p", target.pid)
        assert (done.returncode, done.stdout) == (4, NO_TABLE) and what % (target.pid, level) in done.stderr
        status, document, checks = examine(program, before, "-p", target.pid)
        assert (status, document["pid"]) == (4, target.pid) and not checks["process"]["ok"]
        assert checks["process"]["text"] == what % (target.pid, level) and not checks["hidepid"]["ok"]
        assert "sudo gilspy" in checks["process"]["mend"] and "process_read" not in checks

        status, _, checks = examine(program, before)  # its own processes are not hidden
        assert status == 0 and not checks["hidepid"]["ok"] and "hidepid=%d" % level in checks["hidepid"]["text"]
        member = barriers.with_proc("hidepid=%d,gid=65533" % level,
                                    ("setpriv", "--reuid=65534", "--regid=65534", "--groups=65533"))
        assert examine(program, member)[2]["hidepid"]["ok"] == (level < 4)
        assert examine(program, barriers.with_proc("hidepid=%d" % level), "-p", target.pid)[0] == 0  # root sees all


@own_proc
def test_hidden_is_not_missing(program):
    process = subprocess.Popen(["true"])
    process.wait()
    before = barriers.with_proc("hidepid=2", barriers.user())
    done = run(program, before, "dump", "-p", process.pid)
    assert (done.returncode, done.stdout) == (3, "") and "there is no process %d" % process.pid in done.stderr
    status, document, checks = examine(program, before, "-p", process.pid)
    assert (status, document["pid"]) == (3, process.pid) and not checks["process"]["ok"]


@own_proc
def test_own_process_where_others_are_hidden(program, folders):
    with running(Behind(barriers.user()), folders, "states.py", "idle", pipes=["begin"]) as target:
        before = barriers.with_proc("hidepid=2", barriers.user())
        assert run(program, before, "dump", "-p", target.pid).returncode == 0
        assert examine(program, before, "-p", target.pid)[0] == 0


@pytest.mark.parametrize("before, what", [
    (barriers.WITHOUT_PROC, "there is no /proc"),
    (("unshare", "--pid", "--fork"), "/proc shows another pid namespace"),
])
def test_wrong_proc(before, what, program):
    """Process 1 is there in each namespace; without its /proc nothing can be said of it."""
    with open(program, "rb") as file:
        if before == barriers.WITHOUT_PROC and b"__asan_init" in file.read():
            pytest.skip("a sanitizer needs /proc itself")
    check_refused(run(program, before, "dump", "-p", 1), what, "mount -t proc proc /proc", status=1)
    check_refused(run(program, before, "ps"), what, "mount -t proc proc /proc", status=1)
    for args in (), ("-p", 1):
        status, _, checks = examine(program, before, *args)
        assert status == 1 and not checks["proc"]["ok"] and what in checks["proc"]["text"]
        assert checks["proc"]["mend"] == "mount -t proc proc /proc"
        assert checks["kernel"]["ok"] and checks["read"]["ok"]


def test_server_that_runs_python(program, tmp_path):
    """Nothing but its name says that another user's uWSGI may be a Python."""
    server = subprocess.Popen([shutil.copy(shutil.which("sleep"), tmp_path / "uwsgi"), "1000"])
    try:
        rows = [json.loads(run(program, before, "ps", "--json").stdout)["processes"] for before in (barriers.user(), ())]
        row, = [each for each in rows[0] if each["pid"] == server.pid]
        assert row["command"][1:] == ["1000"] and not row["watchable"] and "another user, root" in row["why_not"]
        assert server.pid not in [each["pid"] for each in rows[1]]  # who may read it sees that it is none
    finally:
        server.kill()
        server.wait()


# ---- what holds a process up ----

def test_traced(program, folders, tmp_path):
    with running(Behind(), folders, "states.py", "idle", pipes=["begin"]) as target:
        target.wait_idle()
        for tid in target.pid, target.began["tids"]["worker"]:
            tracer = subprocess.Popen(["strace", "-o", tmp_path / "calls", "-p", str(tid)], stderr=subprocess.DEVNULL)
            try:
                until(lambda: target.state(tid)[1] == tracer.pid, "strace to trace it")
                status, _, checks = examine(program, (), "-p", target.pid)
                assert status == 0 and not checks["process_tracer"]["ok"]
                assert "process %d (strace) traces it" % tracer.pid in checks["process_tracer"]["text"]
                assert checks["process_tracer"]["mend"] == "detach it, or end it: kill %d" % tracer.pid
                assert run(program, (), "dump", "-p", target.pid).returncode == 0
            finally:
                tracer.terminate()
                tracer.wait()
        assert examine(program, (), "-p", target.pid)[2]["process_tracer"]["ok"]


def test_stopped(program, folders):
    with running(Behind(), folders, "states.py", "idle", pipes=["begin"]) as target:
        os.kill(target.pid, signal.SIGSTOP)
        until(lambda: target.state()[0] == "T", "it to stop")
        status, _, checks = examine(program, (), "-p", target.pid)
        assert status == 0 and not checks["process_state"]["ok"]
        assert checks["process_state"]["mend"] == "kill -CONT %d" % target.pid
        os.kill(target.pid, signal.SIGCONT)
        until(lambda: target.state()[0] != "T", "it to go on")
        assert examine(program, (), "-p", target.pid)[2]["process_state"]["ok"]


def test_doctor_does_not_stop_it(program, folders, tmp_path):
    """What it traces are its own children."""
    with running(Behind(), folders, "states.py", "spin", pipes=["begin"]) as target:
        log = tmp_path / "calls"
        status, _, checks = examine(program, ("strace", "-f", "-o", log, "-e", "trace=ptrace,kill,tgkill,clone,fork"),
                                    "-p", target.pid)
        assert status == 0
        calls = log.read_text()
        theirs = "|".join(map(str, target.began["tids"].values()))
        assert "kill(" in calls and not re.search(r"\((PTRACE_\w+, )?(%s)," % theirs, calls)
        assert all(target.state(tid)[1] == 0 for tid in target.began["tids"].values())


def test_which_python(program, folders, python):
    with running(python, folders, "states.py", "idle", pipes=["begin"]) as target:
        status, _, checks = examine(program, (), "-p", target.pid)
        assert status == 0 and checks["process_python"]["text"] == "Python %s, %s" % (python.version, python.build)
        path = python.library or python.path
        assert checks["process_library"]["text"] == os.path.realpath(path) + " can be opened"


def test_library_elsewhere(program, folders, tmp_path):
    """Its file lies in a mount namespace of its own, and is deleted there later."""
    inside = 'mount -t tmpfs none %s && shift && cp /usr/bin/python3 %s/python3 && exec %s/python3 "$@"'
    before = ("unshare", "--mount", "sh", "-c", inside % (tmp_path, tmp_path, tmp_path), "sh")
    with running(Behind(before), folders, "states.py", "idle", pipes=["begin"]) as target:
        status, _, checks = examine(program, (), "-p", target.pid)
        assert status == 0 and "it runs in a container, or sees other files" in checks["process_container"]["text"]
        assert checks["process_library"]["text"] == "%s/python3 can be opened in its own root" % tmp_path
        os.unlink("/proc/%d/root%s/python3" % (target.pid, tmp_path))
        status, _, checks = examine(program, (), "-p", target.pid)
        assert status == 0 and "python3 is another file by now" in checks["process_library"]["text"]


def test_container(program, folders):
    """In a pid namespace of its own it has another pid."""
    process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "/usr/bin/python3", "-c",
                                "import os; os.write(1, b'.'); os.read(0, 1)"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    try:
        assert process.stdout.read(1) == b"."
        with open("/proc/%d/task/%d/children" % (process.pid, process.pid)) as file:
            pid = int(file.read())
        status, document, checks = examine(program, (), "-p", pid)
        assert (status, document["pid"]) == (0, pid)
        assert checks["process_container"]["text"] == "it runs in a container, where its pid is 1"
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
