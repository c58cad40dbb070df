"""Running trace on a target for as long as a test wants, and reading what it wrote."""
import contextlib
import ctypes
import json
import os
import signal
import struct
import subprocess

import pytest

import gilspy
from target import PERF_EVENT_OPEN, PPOLL, until

BREAKPOINT, STORES, USER_ONLY, LENGTH, ATTRIBUTES = 5, 2, 1 << 5 | 1 << 6, 4, 72
FIRST_TRACK, TRACKS = 100000001, 10
STATES = {"holds GIL", "waits for GIL", "no GIL", "unknown"}


def need_watch():
    """Skips, by the reason that doctor gives, where no address can be watched."""
    document = json.loads(gilspy.run("doctor", "--json").stdout)
    check = next(check for check in document["checks"] if check["name"] == "perf")
    if not check["ok"]:
        pytest.skip(check["text"])


def few(python):
    """Rights and registers are the same for all; one that is stripped and the oldest way to watch are enough."""
    return python.label.endswith("-system") or python.label.startswith(("2.7.18-py", "3.13.0"))


def watch(tid, address):
    """A debug register of a thread, as a debugger takes it; the descriptor that holds it."""
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = struct.pack("IIQQQQQIIQQ", BREAKPOINT, ATTRIBUTES, 0, 0, 0, 0, USER_ONLY, 0, STORES, address, LENGTH)
    fd = libc.syscall(PERF_EVENT_OPEN, attributes, tid, -1, -1, 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "perf_event_open")
    return fd


def command_of(pid):
    try:
        with open("/proc/%s/cmdline" % pid, errors="replace") as file:
            return file.read().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def guard_of(pid=None, target=None):
    """The process in which the gilspy `pid` has its watches, or any gilspy that was told to look at `target`; None: there
    is none."""
    for child in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % child, errors="replace") as file:
                name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if name == "gilspy-guard" and rest.split()[0] != "Z" and \
                (int(rest.split()[1]) == pid or (target and str(target) in command_of(child))):
            return int(child)
    return None


def has_watches(guard):
    for fd in os.listdir("/proc/%d/fd" % guard):
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            if "perf_event" in os.readlink("/proc/%d/fd/%s" % (guard, fd)):
                return True
    return False


def is_tracing(pid):
    """Its watches are open, and it sleeps until something is to be done: with a mask of signals, without which ppoll may be
    the poll of another wait."""
    guard = guard_of(pid)
    try:
        watches = guard and has_watches(guard)
        with open("/proc/%d/syscall" % pid) as file:
            call = file.read().split()
            return watches and call[0] == str(PPOLL) and int(call[4], 16) != 0
    except (FileNotFoundError, ProcessLookupError):
        return False


class Traced:
    def __init__(self, path):
        self.path = path
        self.summary, self.events = None, None

    def read(self, stdout):
        self.summary = json.loads(stdout)
        with open(self.path) as file:
            document = json.load(file)
        self.events, self.metadata = document["traceEvents"], document["metadata"]

    def slices(self, tid, name=None, track=0):
        """(begin, end) of each in microseconds, in their order."""
        number = FIRST_TRACK + TRACKS * tid + track
        found = [(event["ts"], event["ts"] + event["dur"], event) for event in self.events
                 if event["ph"] == "X" and event["tid"] == number and name in (None, event["name"])]
        return sorted(found, key=lambda one: one[:2])

    def tids(self):
        return sorted({(event["tid"] - FIRST_TRACK) // TRACKS for event in self.events
                       if event["ph"] == "X" and event["name"] in STATES})

    def check(self):
        """What must be true of every trace."""
        for name in ("violations", "events_lost"):
            assert (self.metadata[name], self.summary[name]) == (0, 0), "%s: %s" % (name, self.summary)
        holds = sorted(one[:2] for tid in self.tids() for one in self.slices(tid, "holds GIL"))
        for before, after in zip(holds, holds[1:]):
            assert before[1] <= after[0] + 0.0015, "two hold one GIL at the same time: %s, %s" % (before, after)
        for tid in self.tids():
            states = self.slices(tid)
            for before, after in zip(states, states[1:]):
                assert before[1] <= after[0] + 0.0015, "%d is in two states: %s, %s" % (tid, before, after)
        starts = {event["id"]: event for event in self.events if event["ph"] == "s"}
        ends = {event["id"]: event for event in self.events if event["ph"] == "f"}
        assert set(starts) == set(ends), "arrows: %s" % (set(starts) ^ set(ends))
        assert all(starts[number]["ts"] <= ends[number]["ts"] for number in starts), "an arrow goes back in time"


class Run:
    """A gilspy that traces while a test does something else, and its exit status and output afterwards."""
    def __init__(self, command):
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, encoding="utf-8")
        self.pid = self.process.pid

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self):
        self.out, self.said = self.process.communicate(timeout=180)
        assert self.process.returncode == 0, self.said
        return self


@contextlib.contextmanager
def begun(*args, program=gilspy.PROGRAM, wrap=()):
    """From when on it traces."""
    run = Run([*wrap, program, *args])
    try:
        until(lambda: run.process.poll() is not None or is_tracing(run.pid), "gilspy to trace")
        yield run
    finally:
        run.process.kill()
        run.process.communicate()


@contextlib.contextmanager
def tracing(pid, path, *args, **options):
    """Traces while the body runs; afterwards what it yielded has the trace."""
    traced = Traced(path)
    with begun("trace", "--json", "-p", pid, "-o", path, *args, **options) as run:
        yield traced
        traced.read(run.end().out)


@contextlib.contextmanager
def measuring(pid, *args, **options):
    """The same with stat --exact: the document goes into the dictionary that it yields, beside the pid of gilspy ("of")."""
    document = {}
    with begun("stat", "--exact", "--json", "-d", "1h", "-p", pid, *args, **options) as run:
        document["of"] = run.pid
        yield document
        lines = run.end().out.splitlines()
        document.update(json.loads(lines[-1]), lines=[json.loads(line) for line in lines], said=run.said)

