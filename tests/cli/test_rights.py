"""What rights gilspy has are not lent: neither to the environment of who starts it, nor to what it starts."""
import fcntl
import json
import os
import pty
import pwd
import shutil
import struct
import subprocess
import termios

import pytest

import gilspy
from test_errors import check_failure

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives rights")
USER = pwd.getpwnam("nobody")
CAP_SYS_PTRACE, EFFECTIVE, REVISION_2 = 19, 1, 0x02000000


def become_nobody():
    os.setgroups([])
    os.setgid(USER.pw_gid)
    os.setuid(USER.pw_uid)


def let_in(folder):
    """Others may go there: pytest makes its folders for their owner alone."""
    for each in (folder, *folder.parents):
        if os.stat(each).st_mode & 0o7777 == 0o700:
            os.chmod(each, 0o711)


@pytest.fixture(scope="module")
def capable(tmp_path_factory):
    """A gilspy as setcap cap_sys_ptrace+ep makes it."""
    folder = tmp_path_factory.mktemp("capable")
    path = shutil.copy(gilspy.PROGRAM, folder / "gilspy")
    let_in(folder)
    data = struct.pack("<IIIII", REVISION_2 | EFFECTIVE, 1 << CAP_SYS_PTRACE, 0, 0, 0)
    try:
        os.setxattr(path, "security.capability", data)
    except OSError as error:
        pytest.skip("no capabilities of files here: %s" % error)
    return path


def in_terminal(words, **options):
    """What a program shows in a terminal of its own, and its exit status."""
    master, slave = pty.openpty()

    def begin():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        options.get("before", lambda: None)()

    process = subprocess.Popen([os.fspath(word) for word in words], stdin=slave, stdout=slave, stderr=slave,
                               preexec_fn=begin, env=options.get("env"))
    os.close(slave)
    shown = b""
    while True:
        try:
            shown += os.read(master, 65536)
        except OSError:  # nobody has it open any more
            break
    os.close(master)
    return shown.decode(), process.wait(60)


@pytest.fixture
def odd_terminal(tmp_path):
    """The description of a terminal that is nowhere else."""
    if not shutil.which("tic"):
        pytest.skip("tic is not installed")
    (tmp_path / "odd.ti").write_text("gilspy-odd|made for a test,\n\tuse=xterm,\n")
    subprocess.run(["tic", "-x", "-o", tmp_path / "terminfo", tmp_path / "odd.ti"], check=True)
    let_in(tmp_path)
    return dict(os.environ, TERM="gilspy-odd", TERMINFO=str(tmp_path / "terminfo"))


def test_terminfo(capable, odd_terminal, target):
    """Who starts a gilspy with rights of its own does not choose the files that it parses with them."""
    words = ["top", "-p", str(target.pid), "-d", "200ms"]
    shown, status = in_terminal([gilspy.PROGRAM, *words], env=odd_terminal)
    assert status == 0 and "HAS%" in shown
    shown, status = in_terminal([capable, *words], env=odd_terminal, before=become_nobody)
    assert status == 1 and "terminfo knows no screen of the kind gilspy-odd" in shown


def test_capable(capable, target):
    """It may read what its user may not, and nobody is asked for symbols in the name of those rights."""
    document = json.loads(gilspy.run("dump", "-j", "-p", target.pid, program=capable, preexec_fn=become_nobody).stdout)
    gilspy.check(document)
    done = gilspy.run("dump", "-n", "--debuginfod", "-p", target.pid, program=capable, preexec_fn=become_nobody,
                      env=dict(os.environ, DEBUGINFOD_URLS="http://127.0.0.1:9"))
    check_failure(done, 1, "gilspy has capabilities of its own", "Leave out --debuginfod")
    done = gilspy.run("record", "--push", "pyroscope+http://localhost:1", "-p", target.pid, program=capable,
                      preexec_fn=become_nobody, cwd="/")
    check_failure(done, 1, "gilspy has capabilities of its own", "Leave out --push")


CHILD = """import fcntl, json, os, sys, termios
try:
    fcntl.ioctl(0, termios.TIOCSTI, b"x")
    typed = None
except OSError as error:
    typed = error.errno
try:
    os.close(os.open("/dev/tty", os.O_RDWR))
    terminal = True
except OSError:
    terminal = False
with open("/proc/self/status") as file:
    status = dict(line.split(":", 1) for line in file)
fds = [fd for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd)]
json.dump({"typed": typed, "terminal": terminal, "ids": [os.getresuid(), os.getresgid(), os.getgroups()], "fds": fds,
           "capabilities": [int(status[name], 16) for name in ("CapPrm", "CapEff", "CapAmb")],
           "home": [os.environ.get(name) for name in ("HOME", "USER", "LOGNAME")], "session": os.getsid(0) == os.getpid()},
          sys.stdout)
sys.stdout.flush()
"""


@pytest.mark.parametrize("user", ["nobody", None])
def test_another_user(system_python, user, tmp_path):
    """A program that runs as another user has nothing of ours: no rights, no descriptor, and no hand in our terminal."""
    as_user = ["-u", user] if user else []
    words = [gilspy.PROGRAM, "stat", "-q", "-j", "-o", tmp_path / "out", *as_user, "--", "/usr/bin/python3", "-c", CHILD]
    shown, _ = in_terminal(words)
    told = json.loads(shown[shown.index("{"):shown.rindex("}") + 1])
    assert sorted(told["fds"], key=int)[:3] == ["0", "1", "2"] and len(told["fds"]) == 3
    if not user:
        assert told["terminal"] and not told["session"]
        return
    assert told["typed"] is not None and not told["terminal"] and told["session"]
    assert told["ids"] == [[USER.pw_uid] * 3, [USER.pw_gid] * 3, [USER.pw_gid]] and told["capabilities"] == [0, 0, 0]
    assert told["home"] == [USER.pw_dir, "nobody", "nobody"]


def test_interrupted(tmp_path):
    """Ctrl-C reaches it all the same."""
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    ready.chmod(0o666)
    let_in(tmp_path)
    child = "import signal, time; signal.signal(signal.SIGINT, lambda *_: exit(7)); open(%r, 'w').close(); time.sleep(600)"
    master, slave = pty.openpty()
    words = [gilspy.PROGRAM, "record", "-q", "-o", tmp_path / "a.svg", "-u", "nobody", "--", "/usr/bin/python3", "-c",
             child % str(ready)]
    process = subprocess.Popen(list(map(str, words)), stdin=slave, stdout=slave, stderr=slave,
                               preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
    os.close(slave)
    with open(ready) as file:
        file.read()
    os.write(master, b"\x03")
    assert process.wait(60) == 7
    os.close(master)
