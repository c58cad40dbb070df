"""gilspy top in a terminal of its own: a pseudo-terminal, and what a terminal makes of what is written to it."""
import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import pyte

import gilspy

PATIENCE_S = 60
KEYS = {"up": "\x1bOA", "down": "\x1bOB", "right": "\x1bOC", "left": "\x1bOD", "home": "\x1bOH", "end": "\x1bOF",
        "page down": "\x1b[6~", "page up": "\x1b[5~", "enter": "\r", "tab": "\t", "back tab": "\x1b[Z", "escape": "\x1b",
        "backspace": "\x7f", "f1": "\x1bOP", "f3": "\x1bOR", "f10": "\x1b[21~"}


class Scrolling(pyte.Screen):
    """ncurses moves lines that stay the same by CSI S and CSI T, which pyte does not know."""
    def move_lines(self, move, count):
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        move(count)
        self.cursor.x, self.cursor.y = x, y

    def scroll_up(self, count=None):
        self.move_lines(self.delete_lines, count)

    def scroll_down(self, count=None):
        self.move_lines(self.insert_lines, count)


class Stream(pyte.ByteStream):
    csi = {**pyte.ByteStream.csi, "S": "scroll_up", "T": "scroll_down"}
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down"}


class Screen:
    """seen: all that it wrote so far."""
    def __init__(self, *args, rows=30, columns=100, cwd=None, **environment):
        self.master, self.slave = pty.openpty()
        self.shown = Scrolling(columns, rows)
        self.stream = Stream(self.shown)
        self.seen = b""
        self.set_size(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environment}
        self.process = subprocess.Popen([gilspy.PROGRAM, "top", *map(str, args)], stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, env=environment, start_new_session=True, cwd=cwd,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def set_size(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        self.shown.resize(rows, columns)

    def read(self, patience_s=0.01):
        ready, _, _ = select.select([self.master], [], [], patience_s)
        if ready:
            piece = os.read(self.master, 65536)
            self.seen += piece
            self.stream.feed(piece)
        return bool(ready)

    def lines(self):
        return [line.rstrip() for line in self.shown.display]

    def text(self):
        return "\n".join(self.lines())

    def wait(self, true, what):
        """Until true() is of what it shows."""
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert self.process.poll() is None, (what, "it has ended", self.text())
            assert time.monotonic() < deadline, (what, self.text())
            self.read()

    def wait_for(self, *patterns):
        for pattern in patterns:
            self.wait(lambda: re.search(pattern, self.text(), re.M), pattern)

    def wait_without(self, pattern):
        self.wait(lambda: not re.search(pattern, self.text(), re.M), "not " + pattern)

    def row(self, pattern):
        """The only line that has it."""
        found = [line for line in self.lines() if re.search(pattern, line)]
        assert len(found) == 1, (pattern, self.text())
        return found[0]

    def chosen(self):
        """The lines that are shown the other way round from their beginning on, as the one under the cursor is."""
        return [line for number, line in enumerate(self.lines())
                if self.shown.buffer[number][0].reverse and self.shown.buffer[number][self.shown.columns - 1].reverse]

    def press(self, *keys):
        for key in keys:
            os.write(self.master, KEYS.get(key, key).encode())

    def wait_end(self):
        """Its exit status, and what it said when the terminal was free again."""
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline
            self.read()
        while self.read(0.1):
            pass
        return self.process.returncode, self.seen[self.seen.rfind(b"\x1b[?1049l"):].decode()

    def check_restored(self):
        """The terminal is as it was: its modes, the cursor, the screen before."""
        assert termios.tcgetattr(self.slave) == self.before
        assert self.seen.rfind(b"\x1b[?1049l") > self.seen.rfind(b"\x1b[?1049h") >= 0
        assert self.seen.rfind(b"\x1b[?25l") < max(self.seen.rfind(b"\x1b[?25h"), self.seen.rfind(b"\x1b[?12l\x1b[?25h"))


@contextlib.contextmanager
def screen(*args, **options):
    shown = Screen(*args, **options)
    try:
        yield shown
    finally:
        if shown.process.poll() is None:
            shown.process.kill()
        shown.process.wait()
        os.close(shown.slave)
        if shown.master >= 0:
            os.close(shown.master)
