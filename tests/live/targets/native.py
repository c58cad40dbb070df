"""Threads in chains of Python and C, some asleep, some computing. ARGS: the library, how many times each chain goes
from C to Python and back."""
import ctypes

import common

library = ctypes.CDLL(common.ARGS[0])
TIMES = int(common.ARGS[1])
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
stop = ctypes.c_int(0)


def asleep():
    common.wait("sleep")
    return 0


def descend(function, left):
    if not left:
        return asleep()

    def called(depth):
        return descend(function, left - 1)
    return function(CALLBACK(called), 0)


def values(function):
    yield descend(function, TIMES)


def through_generator(function):
    for value in values(function):
        return value


def doze(function):
    return function(common.FDS["sleep"])


def compute(function):
    return function(ctypes.byref(stop))


def holding(function):
    return function(ctypes.byref(stop))


for variant in "plain", "pointer", "alloca", "cpp":
    common.start(variant, descend, getattr(library, "outer_" + variant), TIMES)
for variant in "plain", "pointer", "alloca":
    common.start("doze_" + variant, doze, getattr(library, "doze_" + variant))
common.start("generator", through_generator, library.outer_plain)
for variant in "plain", "pointer", "alloca":
    if "spin" in common.ARGS:
        common.start("spin_" + variant, compute, getattr(library, "spin_" + variant))
if "hold" in common.ARGS:
    keeping = ctypes.PyDLL(common.ARGS[0])

    def hold():
        common.wait("hold")
        holding(keeping.spin_plain)
    common.start("holder", hold)

common.serve(ping=lambda: "pong")
