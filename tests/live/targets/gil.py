"""Threads that hold the GIL, wait for it and do without it, each when it is told to."""
import ctypes
import sys
import threading
import time

import common

taken = threading.Lock()


def hold():
    """Asleep in read(2) with the GIL, or in poll(2)."""
    class PollFd(ctypes.Structure):
        _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]

    while True:
        how = common.wait("hold")
        if how == b"p":
            waiting = PollFd(common.FDS["gate"], 1, 0)
            common.gil_keeping_libc.poll(ctypes.byref(waiting), 1, -1)
            common.wait("gate")
        else:
            common.wait_holding("gate")


def take_turns(pipe):
    while True:
        common.wait(pipe)


def block_on_lock():
    taken.acquire()


def compute():
    """One call that computes for ever, without the GIL: looks for an element among 2 ** 62 of size 0, all unequal."""
    common.wait("compute")
    count = ctypes.c_size_t(2 ** 62)
    compare = ctypes.cast(common.libc.strcmp, ctypes.c_void_p)
    common.libc.lfind(b"a", b"b", ctypes.byref(count), ctypes.c_size_t(0), compare)


def once():
    common.wait("once")


def start_once():
    common.start("once", once)
    return common.tids["once"]


def set_interval(seconds):
    sys.setswitchinterval(seconds)
    return sys.getswitchinterval()


taken.acquire()
common.start("holder", hold)
for number in range(3):
    common.start("victim-%d" % number, take_turns, "turn-%d" % number)
common.start("locked", block_on_lock)
common.start("sleeper", time.sleep, 3600)
common.start("computer", compute)
common.serve(interval=lambda: getattr(sys, "getswitchinterval", lambda: None)(), set_interval=set_interval,
             start_once=start_once, switch=lambda: time.sleep(0))
