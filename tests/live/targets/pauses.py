"""Collections of garbage of a heap, by the main thread, which clocks them; and a thread that keeps all others waiting."""
import gc

from common import ARGS, clock, serve, spin, start, wait, wait_holding

collections = []  # [generation, seconds] of each
gates = set()     # what the next collection waits for before it begins
began = []
heap = []


def clocked(phase, info):
    if phase == "start":
        began.append(clock())
        if gates:
            wait_holding(gates.pop())
    else:
        collections.append([info["generation"], clock() - began.pop()])


def collect(full, young):
    """So many, of a heap of which one takes long."""
    del collections[:]
    heap.extend([] for _ in range(300000 - len(heap)))
    for number in range(max(full, young)):
        if number < young:
            gc.collect(0)
        if number < full:
            gc.collect()
    return collections


def begin_collection():
    gates.add("gate")
    start("collector", gc.collect)


def stop_all():
    """One thread has to stop for the other, and does not; others do."""
    start("late", lambda: wait_holding("turn"))
    start("collector", lambda: (wait("gate"), gc.collect(), wait("gate")))


gc.disable()
gc.callbacks.append(clocked)
for each in range(int(ARGS[0]) if ARGS else 0):
    start("spinner-%d" % each, spin)
if "late" in ARGS:
    stop_all()
if "another" in ARGS:
    __import__("_interpreters").create()
serve(collect=collect, begin=begin_collection)
