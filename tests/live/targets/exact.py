"""Threads that let go of the GIL a known number of times, or keep it for a known time by their own clock."""
import ctypes
import os
import sys

import common


class Timespec(ctypes.Structure):
    _fields_ = [("s", ctypes.c_long), ("ns", ctypes.c_long)]


held = []  # of each hold: the thread, and when it surely had the GIL, from and to
getppid = common.libc.getppid


def now_ns(time=Timespec()):
    common.gil_keeping_libc.clock_gettime(1, ctypes.byref(time))  # CLOCK_MONOTONIC
    return time.s * 1000000000 + time.ns


def call(name, count):
    """Lets go of the GIL once when it begins to wait here, and `count` times afterwards."""
    while True:
        common.wait(name)
        for _ in range(count):
            getppid()


def hold(name, sleep_us):
    while True:
        common.wait(name)
        begin_ns = now_ns()
        common.gil_keeping_libc.usleep(sleep_us)
        held.append([common.tids[name], begin_ns, now_ns()])


def fork():
    """A child that computes in Python for a moment, and takes the GIL of its own again."""
    child = os.fork()
    if child == 0:
        for _ in range(100):
            getppid()
        os._exit(0)
    os.waitpid(child, 0)
    return child


# Nobody gives up the GIL because others ask for it, or because time has passed.
getattr(sys, "setswitchinterval", lambda seconds: sys.setcheckinterval(2 ** 30))(1000)
for number in range(3):
    common.start("call-%d" % number, call, "call-%d" % number, int(common.ARGS[0]))
    common.start("hold-%d" % number, hold, "hold-%d" % number, int(common.ARGS[1]))
common.serve(held=lambda: held, fork=fork, become=lambda *words: os.execv(words[0], words),
             keep=common.wait_holding)
