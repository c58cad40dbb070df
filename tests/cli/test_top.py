"""The live screen, in a pseudo-terminal of its own."""
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

import gilspy
from target import READ, running, until

PATIENCE_S = 90
PPOLL = 271  # what it waits in between two samples
HEADER = "HAS%"


class Screen:
    """gilspy top in a terminal; seen: all that it wrote so far."""
    def __init__(self, *args, rows=30, columns=100):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.seen = ""
        environment = dict(os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8")
        self.process = subprocess.Popen([gilspy.PROGRAM, "top", *map(str, args)], stdin=self.slave, stdout=self.slave,
                                        stderr=subprocess.PIPE, env=environment, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def read(self):
        ready, _, _ = select.select([self.master], [], [], 0.01)
        if ready:
            self.seen += os.read(self.master, 65536).decode("utf-8", "replace")

    def wait_for(self, pattern):
        deadline = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.text()):
            assert time.monotonic() < deadline and self.process.poll() is None, (pattern, self.text()[-2000:])
            self.read()

    def text(self):
        """What was written, without what moves the cursor or colours."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]", " ", self.seen)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def wait_end(self):
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline
            self.read()
        for _ in range(5):
            self.read()
        return self.process.returncode, self.process.stderr.read().decode()

    def check_restored(self):
        """The terminal is as it was: its modes, the cursor, the screen before."""
        assert termios.tcgetattr(self.slave) == self.before
        assert self.seen.rfind("\x1b[?1049l") > self.seen.rfind("\x1b[?1049h") >= 0
        assert self.seen.rfind("\x1b[?25l") < max(self.seen.rfind("\x1b[?25h"), self.seen.rfind("\x1b[?12l\x1b[?25h"))


@contextlib.contextmanager
def screen(*args, **options):
    shown = Screen(*args, **options)
    try:
        yield shown
    finally:
        if shown.process.poll() is None:
            shown.process.kill()
        shown.process.wait()
        shown.process.stderr.close()
        os.close(shown.master)
        os.close(shown.slave)


def calls(pid, number):
    """Its main thread is in that system call."""
    with open("/proc/%d/syscall" % pid) as file:
        return file.read().split()[0] == str(number)


@pytest.fixture
def held(system_python, folders):
    """A target whose GIL one thread keeps, and one waits for."""
    with running(system_python, folders, "gil.py",
                 pipes=["hold", "gate", "turn-0", "turn-1", "turn-2", "compute", "once"]) as target:
        target.wait_idle()
        target.feed("hold")
        target.wait_reading(target.began["tids"]["holder"], "gate")
        target.feed("turn-0")
        target.wait_calling(target.began["tids"]["victim-0"], 202)
        yield target


def test_shows_and_quits(held):
    with screen("-p", held.pid) as top:
        for pattern in (HEADER, "pid %d" % held.pid, "100.0 % held", "1 waiting", "holder", "victim-0", "q quit"):
            top.wait_for(pattern)
        top.press("r")
        top.press("q")
        assert top.wait_end() == (0, "")
        top.check_restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_it(target, number):
    with screen("-p", target.pid) as top:
        top.wait_for(HEADER)
        top.process.send_signal(number)
        assert top.wait_end() == (0, "")
        top.check_restored()


def test_control_c(target):
    """As the terminal sends it."""
    with screen("-p", target.pid) as top:
        top.wait_for(HEADER)
        top.press("\x03")
        assert top.wait_end() == (0, "")
        top.check_restored()


def test_target_ends(system_python, folders):
    with running(system_python, folders, "states.py", "spin", pipes=["begin"]) as target:
        with screen("-p", target.pid) as top:
            top.wait_for(HEADER)
            target.process.kill()
            target.process.wait()
            status, said = top.wait_end()
            assert status == 0 and "ended" in said
            top.check_restored()


def test_crash_restores_the_terminal(target):
    with screen("-p", target.pid) as top:
        top.wait_for(HEADER)
        top.process.send_signal(signal.SIGSEGV)
        assert top.wait_end()[0] == -signal.SIGSEGV
        top.check_restored()


def test_resize(target):
    with screen("-p", target.pid) as top:
        top.wait_for(HEADER)
        for rows, columns in ((5, 20), (1, 1), (60, 300), (30, 100)):
            fcntl.ioctl(top.slave, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
            top.process.send_signal(signal.SIGWINCH)
            already = len(top.seen)
            until(lambda: top.read() or len(top.seen) > already, "it to draw again")
        top.press("q")
        assert top.wait_end() == (0, "")
        top.check_restored()


def test_duration(target):
    with screen("-p", target.pid, "-d", "300ms") as top:
        assert top.wait_end() == (0, "")
        top.check_restored()


def test_once(held):
    done = gilspy.run("top", "-p", held.pid, "--once", "-d", "300ms")
    assert (done.returncode, done.stderr) == (0, "") and "\x1b" not in done.stdout
    rows = {line.split()[6]: line.split() for line in done.stdout.splitlines()[5:] if len(line.split()) > 6}
    assert rows["holder"][:5] == ["●", "100.0", "0.0", "0.0", rows["holder"][4]]
    assert rows["victim-0"][:4] == ["◌", "0.0", "100.0", "0.0"]
    assert rows["locked"][:4] == ["·", "0.0", "0.0", "100.0"]
    assert len(rows) == 8


CHANGES = """import os, sys, threading
gate = threading.Event()
def work():
    gate.wait()
threading.Thread(target=work, name="worker", daemon=True).start()
def main():
    sys.stdin.readline()
    os.execv("/bin/cat", ["cat"])
main()
"""


@pytest.mark.parametrize("end", ["kill", "exec"])
def test_once_of_one_that_ends(system_python, tmp_path, end):
    """What was seen last is shown, whatever the process is by now."""
    script = tmp_path / "changes.py"
    script.write_text(CHANGES)
    with subprocess.Popen(system_python.command(str(script)), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as target:
        try:
            until(lambda: len(os.listdir("/proc/%d/task" % target.pid)) == 2 and calls(target.pid, READ), "it to wait")
            top = subprocess.Popen([gilspy.PROGRAM, "top", "--once", "-d", "60", "-p", str(target.pid)], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL="C.UTF-8"))
            until(lambda: calls(top.pid, PPOLL), "it to watch")
            if end == "kill":
                target.kill()
                target.wait()
            else:
                target.stdin.write(b"\n")
                target.stdin.flush()
            out, said = top.communicate(timeout=PATIENCE_S)
        finally:
            target.kill()
    assert top.returncode == 0 and said
    rows = {line.split()[6]: line for line in out.splitlines()[5:]}
    assert set(rows) == {"MainThread", "worker"}
    assert re.search(r"  main +\S*changes\.py:7$", rows["MainThread"])
    assert re.search(r"  wait +\S*threading\.py:\d+$", rows["worker"])


def test_without_a_terminal(target):
    done = gilspy.run("top", "-p", target.pid)
    assert done.returncode == 1 and "--once" in done.stderr


def test_without_a_process(target):
    """The processes are listed instead."""
    done = gilspy.run("top")
    assert done.returncode == 2 and str(target.pid) in done.stderr
