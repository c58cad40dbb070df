"""How busy the GIL is under known loads, by gilspy.KnockKnock and by gilknocker; and what each costs those who compute.

    script/setup --wheel
    GILSPY_PROGRAM=build/gilspy PYTHONPATH=python /var/cache/gilspy/pythons/wheel/bin/python tests/bench/knock.py [SECONDS]

The true share is gilspy stat --exact's, of the same seconds as neither of them.
"""
import ctypes
import sys
import threading
import time
import zlib

import gilknocker

import gilspy

WITH_GIL, WITHOUT = ctypes.PyDLL(None).usleep, ctypes.CDLL(None).usleep


def nothing(over):
    over.wait()


def computes(over, counts=None):
    while not over.is_set():
        sum(range(500))
        if counts is not None:
            counts[0] += 1


def compresses(over):
    block = bytes(1 << 20)
    while not over.is_set():
        zlib.compress(block)


def half(over):
    """10 ms in C code that keeps the GIL, 10 ms without."""
    while not over.is_set():
        WITH_GIL(10000)
        WITHOUT(10000)


def tenth(over):
    while not over.is_set():
        WITH_GIL(1000)
        WITHOUT(9000)


LOADS = {"nobody has it": [nothing], "one thread computes": [computes], "two threads compute": [computes] * 2,
         "four threads compute": [computes] * 4, "zlib, two threads": [compresses] * 2,
         "C code keeps it half the time": [half], "C code keeps it a tenth": [tenth]}


def measured(knocker, seconds):
    knocker.start()
    time.sleep(0.2)
    knocker.reset_contention_metric()
    time.sleep(seconds)
    found = knocker.contention_metric
    knocker.stop()
    return found


def done(seconds, knocker):
    """What a thread that computes gets done meanwhile."""
    over, counts = threading.Event(), [0]
    thread = threading.Thread(target=computes, args=(over, counts))
    if knocker:
        knocker.start()
    thread.start()
    before = time.thread_time(), counts[0]
    clock = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    time.sleep(seconds)
    spent = time.clock_gettime(time.pthread_getcpuclockid(thread.ident)) - clock
    worked = counts[0] - before[1]
    over.set()
    thread.join()
    if knocker:
        knocker.stop()
    return worked / spent


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    print("%-32s %7s %7s %10s" % ("load", "true", "gilspy", "gilknocker"))
    for name, works in LOADS.items():
        over = threading.Event()
        threads = [threading.Thread(target=work, args=(over,)) for work in works]
        for thread in threads:
            thread.start()
        true = gilspy.stat(seconds=seconds, exact=True, max_overhead=0.5).gil.held
        row = [measured(kind(1000), seconds) for kind in (gilspy.KnockKnock, gilknocker.KnockKnock)]
        over.set()
        for thread in threads:
            thread.join()
        print("%-32s %7.3f %7.3f %10.3f" % (name, true, *row), flush=True)
    alone = done(seconds, None)
    for kind in (gilspy.KnockKnock, gilknocker.KnockKnock):
        print("work of a second of CPU beside %s: %+.1f %%" % (kind.__module__, 100 * (done(seconds, kind(1000)) / alone - 1)))


main()
