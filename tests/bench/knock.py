"""How busy the GIL is under known loads, by gilspy.KnockKnock, gilknocker and gil_load; and what each costs those who compute.

    script/setup --wheel
    /var/cache/gilspy/pythons/wheel/bin/pip install gil_load
    GILSPY_PROGRAM=build/gilspy PYTHONPATH=python /var/cache/gilspy/pythons/wheel/bin/python tests/bench/knock.py [SECONDS]

The true share is gilspy stat --exact's, of the same seconds as neither of them. gil_load wants a process of its own.
"""
import contextlib
import ctypes
import subprocess
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


@contextlib.contextmanager
def loaded(works):
    over = threading.Event()
    threads = [threading.Thread(target=work, args=(over,)) for work in works]
    for thread in threads:
        thread.start()
    yield
    over.set()
    for thread in threads:
        thread.join()


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


def tell_gil_load(name, seconds):
    """As python -m gil_load runs it."""
    import gil_load
    gil_load.init()
    with loaded(LOADS[name]):
        gil_load.start(av_sample_interval=0.001)
        time.sleep(seconds)
        print(gil_load.get()[0]["held"], flush=True)


def by_gil_load(name, seconds):
    """NaN: it came to no end, as its stop() and exit may do under load."""
    with subprocess.Popen([sys.executable, "-m", "gil_load", __file__, name, str(seconds)],
                          stdout=subprocess.PIPE, text=True) as process:
        guard = threading.Timer(seconds + 20, process.kill)
        guard.start()
        line = process.stdout.readline()
        process.kill()
        guard.cancel()
    return float(line or "nan")


def main():
    if len(sys.argv) > 2:
        tell_gil_load(sys.argv[1], float(sys.argv[2]))
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    print("%-32s %7s %7s %10s %8s" % ("load", "true", "gilspy", "gilknocker", "gil_load"))
    for name, works in LOADS.items():
        with loaded(works):
            true = gilspy.stat(seconds=seconds, exact=True, max_overhead=0.5).gil.held
            row = [measured(kind(1000), seconds) for kind in (gilspy.KnockKnock, gilknocker.KnockKnock)]
        print("%-32s %7.3f %7.3f %10.3f %8.3f" % (name, true, *row, by_gil_load(name, seconds)), flush=True)
    alone = done(seconds, None)
    for kind in (gilspy.KnockKnock, gilknocker.KnockKnock):
        print("work of a second of CPU beside %s: %+.1f %%" % (kind.__module__, 100 * (done(seconds, kind(1000)) / alone - 1)))


main()
