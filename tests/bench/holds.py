"""A thread that holds the GIL in C for random times and does without it for others, and keeps the truth; another one
that wants it all the time. Prints `ready`; each line of its input, [mean hold in ms, mean pause in ms, seconds,
contended], is answered by [seconds held, holds, longest hold in seconds]."""
import ctypes
import json
import random
import sys
import threading

keeping, letting = ctypes.PyDLL(None), ctypes.CDLL(None)  # functions called with the GIL, and without it


class Time(ctypes.Structure):
    _fields_ = [("s", ctypes.c_long), ("ns", ctypes.c_long)]


def clock():
    now = Time()
    keeping.clock_gettime(1, ctypes.byref(now))
    return now.s + now.ns / 1e9


def nap(library, seconds):
    length = Time(int(seconds), int(seconds % 1 * 1e9))
    library.nanosleep(ctypes.byref(length), None)


def hold(hold_ms, free_ms, seconds, contended):
    """Python holds it too, from the end of one pause to the begin of the next; where another one wants it, it may let
    go as soon as C is done."""
    held = longest = 0.0
    now = clock()
    count, end = 0, now + seconds
    while now < end:
        began = now
        pause_s = random.expovariate(1 / free_ms) / 1e3
        nap(keeping, random.expovariate(1 / hold_ms) / 1e3)
        lasted = clock() - began
        longest, count = max(longest, lasted), count + 1
        held += lasted if contended else clock() - began
        nap(letting, pause_s)
        now = clock()
    return [held, count, longest]


def want(wanted):
    while True:
        wanted.wait()
        nap(letting, 0.0001)


def answer(order, wanted):
    hold_ms, free_ms, seconds, contended = order
    if contended:
        wanted.set()
    print(json.dumps(hold(hold_ms, free_ms, seconds, contended)))
    sys.stdout.flush()
    wanted.clear()


def main():
    wanted = threading.Event()
    victim = threading.Thread(target=want, args=(wanted,), name="victim")
    victim.daemon = True
    victim.start()
    print("ready")
    sys.stdout.flush()
    for line in iter(sys.stdin.readline, ""):
        holder = threading.Thread(target=answer, args=(json.loads(line), wanted), name="holder")
        holder.start()
        holder.join()


main()
