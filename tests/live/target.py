"""A Python program that is looked at: started in its interpreter, talked to through pipes, ended by its pid.

Nothing here sleeps in the hope that something has happened by then: a target says when it is ready, and whether a
thread has reached the system call where it is to be is asked of the kernel, until a deadline."""
import contextlib
import fcntl
import json
import os
import platform
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time

import barriers

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "targets")
PATIENCE_S = 90
# System calls. Sleeping is nanosleep or clock_nanosleep.
READ, WRITE, POLL, FUTEX, PPOLL, RECVFROM, SLEEPS, RT_TGSIGQUEUEINFO, PERF_EVENT_OPEN = {
    "x86_64": (0, 1, 7, 202, 271, 45, (35, 230), 297, 298),
    "aarch64": (63, 64, 73, 98, 73, 207, (101, 115), 240, 241)}[platform.machine()]


def until(true, what):
    """Asks again and again until true() is, and returns that."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = true()
        if answer:
            return answer
        assert time.monotonic() < deadline, "waited in vain for " + what
        time.sleep(0.0005)


class Folders:
    """One folder with the targets' scripts per root, removed at the end."""
    def __init__(self):
        self.made = {}

    def of(self, python):
        if python.root not in self.made:
            folder = tempfile.mkdtemp(prefix="gilspy-test-", dir=python.root + "/tmp" if python.root else None)
            os.chmod(folder, 0o755)
            self.made[python.root] = folder
            for name in os.listdir(SCRIPTS):
                if name.endswith(".py"):
                    shutil.copy(os.path.join(SCRIPTS, name), folder)
        return self.made[python.root]

    def remove(self):
        for folder in self.made.values():
            shutil.rmtree(folder)


class Target:
    """A running script of targets/. pipes: names of pipes that it can read from beside its standard input."""
    def __init__(self, python, folders, script, *args, pipes=(), path=None, env=None):
        place = os.path.join(python.inside(folders.of(python)), script)
        self.begin(lambda fds: python.command(place, fds, *args, path=path), pipes, {**python.env, **(env or {})})

    def begin(self, command, pipes, env):
        """command: makes its words, out of the JSON of its pipes' descriptors."""
        self.pipes = {name: os.pipe() for name in pipes}
        readers = {name: ends[0] for name, ends in self.pipes.items()}
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8",
                       "PYTHONDONTWRITEBYTECODE": "1", **env}
        self.process = subprocess.Popen(command(json.dumps(readers)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=environment, pass_fds=list(readers.values()))
        self.pid, self.heard, self.fds = self.process.pid, b"", readers
        self.began = self.listen()

    def listen(self):
        """The next line that it says."""
        out, deadline = self.process.stdout.fileno(), time.monotonic() + PATIENCE_S
        while b"\n" not in self.heard:
            ready, _, _ = select.select([out], [], [], max(0, deadline - time.monotonic()))
            piece = os.read(out, 65536) if ready else b""
            assert piece, "the target said nothing more (%s)" % ("ended" if ready else "still runs")
            self.heard += piece
        line, self.heard = self.heard.split(b"\n", 1)
        return json.loads(line)

    def tell(self, *words):
        """Gives its main thread an order."""
        self.process.stdin.write((json.dumps(words) + "\n").encode())
        self.process.stdin.flush()

    def ask(self, *words):
        self.tell(*words)
        return self.listen()

    def feed(self, pipe, count=1):
        """Lets `count` threads that read from this pipe go on."""
        os.write(self.pipes[pipe][1], b"." * count)

    def call_of(self, tid):
        """The system call in which a thread sleeps and its arguments; None: it runs, or has ended."""
        try:
            with open("/proc/%d/task/%d/syscall" % (self.pid, tid)) as file:
                words = file.read().split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if len(words) < 8 else [int(word, 0) for word in words[:7]]

    def wait_reading(self, tid, pipe):
        """Until the thread sleeps in read(2) on this pipe ("stdin": its standard input), and nothing is left in it: a
        thread that was fed sleeps there on until it gets a processor."""
        fd = 0 if pipe == "stdin" else self.fds[pipe]
        until(lambda: self.is_empty(pipe) and (self.call_of(tid) or [None])[:2] == [READ, fd],
              "thread %d to read from %s" % (tid, pipe))

    def is_empty(self, pipe):
        """Everything that was fed has been read."""
        end = self.process.stdin.fileno() if pipe == "stdin" else self.pipes[pipe][0]
        return int.from_bytes(fcntl.ioctl(end, termios.FIONREAD, bytes(4)), sys.byteorder) == 0

    def wait_calling(self, tid, call):
        until(lambda: (self.call_of(tid) or [None])[0] == call, "thread %d to sleep in system call %d" % (tid, call))

    def ran_ns(self, tid):
        """Time that a thread had a processor."""
        with open("/proc/%d/task/%d/schedstat" % (self.pid, tid)) as file:
            return int(file.read().split()[0])

    def wait_computing(self, tid, ns=20000000):
        """Far more than the way into the call takes."""
        before = self.ran_ns(tid)
        until(lambda: self.ran_ns(tid) > before + ns, "thread %d to compute" % tid)

    def wait_idle(self):
        """Until its main thread waits for the next order."""
        self.wait_reading(self.pid, "stdin")

    def state(self, tid=None):
        """The kernel's letter for the state of a thread, and the pid of its tracer."""
        with open("/proc/%d/task/%d/status" % (self.pid, tid or self.pid)) as file:
            rows = dict(line.rstrip("\n").split(":\t", 1) for line in file)
        return rows["State"][0], int(rows["TracerPid"])

    def has(self, tid):
        return os.path.exists("/proc/%d/task/%d" % (self.pid, tid))

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        for ends in self.pipes.values():
            os.close(ends[0])
            os.close(ends[1])


class Program(Target):
    """Another program than a Python. command: as of Target.begin."""
    def __init__(self, command, pipes=(), env=None):
        self.begin(command, pipes, env or {})


class AsNobody(Target):
    def begin(self, command, pipes, env):
        super().begin(lambda fds: [*barriers.user(), *command(fds)], pipes, env)


@contextlib.contextmanager
def running(*args, kind=Target, **options):
    target = kind(*args, **options)
    try:
        yield target
    finally:
        target.end()
