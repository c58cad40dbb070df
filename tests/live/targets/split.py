"""A thread whose CPU time goes to many short calls and to straight code, 3 to 1, and who keeps when it did what; or one
that calls short functions, or whose stacks hardly ever come again; or one that makes a function for each call, runs it and throws it away."""
import ctypes

import common

MONOTONIC, THREAD_CPU = 1, 3
PORTION_NS = 5000000
portions = []  # of the thread's time: what it did, from, to


class Timespec(ctypes.Structure):
    _fields_ = [("s", ctypes.c_long), ("ns", ctypes.c_long)]


def clock(which, now=Timespec()):
    common.gil_keeping_libc.clock_gettime(which, ctypes.byref(now))
    return now.s * 1000000000 + now.ns


def deeper(depth):
    return deeper(depth - 1) + 1 if depth else 0


def calls(until):
    while clock(THREAD_CPU) < until:
        for _ in range(5):
            deeper(20)


def straight(until):
    while clock(THREAD_CPU) < until:
        x = 0
        for i in range(1000):
            x = x * 3 + i & 0xffff


def work(function, share):
    began = clock(MONOTONIC)
    function(clock(THREAD_CPU) + share * PORTION_NS)
    portions.append((function.__name__, began, clock(MONOTONIC)))


def split():
    while True:
        work(calls, 3)
        work(straight, 1)


def leaf():
    return 1


def caller():
    return leaf()


def short():
    while True:
        leaf()
        caller()


def left(way, depth):
    wander(way >> 1, depth)


def right(way, depth):
    wander(way >> 1, depth)


def wander(way, depth):
    """Calls as a number's bits say."""
    if depth:
        (right if way & 1 else left)(way, depth - 1)


def wander_about():
    way = 1
    while True:
        way = way * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        wander(way >> 30, 30)


LEAVES = """
def leaf_%d(until):
    while clock(THREAD_CPU) < until:
        pass
"""
exec("".join(LEAVES % number for number in range(16)))


def make():
    """made_N calls leaf_(N % 16); its code is freed afterwards, and the next one's is where it was."""
    number = 0
    while True:
        number += 1
        names = {"leaf": globals()["leaf_%d" % (number % 16)], "until": clock(THREAD_CPU) + PORTION_NS}
        exec(compile("def made_%d():\n    leaf(until)\n" % number, "made_%d.py" % number, "exec"), names)
        names["made_%d" % number]()
        names.clear()


common.start("worker", {"split": split, "short": short, "wander": wander_about, "make": make}[common.ARGS[0]])
common.serve(portions=lambda: [portions.pop(0) for _ in range(len(portions))])
