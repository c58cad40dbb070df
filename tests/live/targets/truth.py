"""A thread that holds the GIL for known times, another that wants it meanwhile, and threads that compute with it and
without: each for as long as it is told to, and keeps the truth."""
import ctypes
import threading
import zlib

import common


class Time(ctypes.Structure):
    _fields_ = [("s", ctypes.c_long), ("ns", ctypes.c_long)]


def clock():
    """CLOCK_MONOTONIC in seconds, without letting go of the GIL."""
    now = Time()
    common.gil_keeping_libc.clock_gettime(1, ctypes.byref(now))
    return now.s + now.ns / 1e9


wanted = threading.Event()  # the victim is to want the GIL
data = b"x" * 1000000


def hold(cycles, hold_ms, free_ms):
    """How long it was held in C, all together and at the longest, and how long all of it took."""
    held, longest, start = 0, 0, clock()
    for _ in range(cycles):
        began = clock()
        common.gil_keeping_libc.poll(None, 0, hold_ms)
        lasted = clock() - began
        held, longest = held + lasted, max(longest, lasted)
        if free_ms:
            common.libc.poll(None, 0, free_ms)
    return [held, longest, clock() - start]


def victim():
    while True:
        wanted.wait()
        common.libc.poll(None, 0, 1)


class Worker(object):
    """A thread that does as it is told and says what came of it."""
    def __init__(self, name, body):
        self.body, self.go, self.done = body, threading.Event(), threading.Event()
        common.start(name, self.run)

    def run(self):
        while True:
            self.go.wait()
            self.go.clear()
            self.result = self.body(*self.arguments)
            self.done.set()

    def tell(self, *arguments):
        self.arguments = arguments
        self.done.clear()
        self.go.set()

    def answer(self):
        self.done.wait()
        return self.result


def spin(seconds):
    """How often it went round."""
    end, rounds = clock() + seconds, 0
    while clock() < end:
        for _ in range(2000):
            pass
        rounds += 1
    return rounds


def pack(seconds):
    end = clock() + seconds
    while clock() < end:
        zlib.compress(data)


holder = Worker("holder", hold)
spinners = [Worker("spin-%d" % n, spin) for n in range(2)]
packers = [Worker("zlib-%d" % n, pack) for n in range(2)]
common.start("victim", victim)


def do_hold(cycles, hold_ms, free_ms, contended):
    if contended:
        wanted.set()
    holder.tell(cycles, hold_ms, free_ms)
    answer = holder.answer()
    wanted.clear()
    return answer


def do_all(workers, seconds):
    for worker in workers:
        worker.tell(seconds)
    return [worker.answer() for worker in workers]


common.serve(hold=do_hold, spin=lambda seconds: do_all(spinners, seconds), pack=lambda seconds: do_all(packers, seconds))
