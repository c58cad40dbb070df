"""Gives the GIL back at a known rate; tells each quarter of a second how often it did, in how much processor time, and
how long it had the GIL by its own clock. handbacks.py RATE [COUNT]: with COUNT, waits for a line, does so many, and ends
with another."""
import ctypes
import os
import sys
import time

QUARTER_S = 0.25
give_back = ctypes.CDLL(None).getppid


def work(rounds):
    value = 0
    for number in range(rounds):
        value += number


def rounds_for(rate):
    """How much work lies between two hand-backs, so that there are so many in a second of processor time."""
    begin = time.process_time()
    work(2000000)
    each = (time.process_time() - begin) / 2000000
    return max(0, int((1 / rate - 4e-7) / each))


def known(count):
    sys.stdin.readline()
    for _ in range(count):
        give_back()
    os.write(1, b"done\n")  # one call, whatever buffers
    sys.stdin.readline()


def steady(rate):
    rounds, batch = rounds_for(rate), max(1, int(rate / 200))
    while True:
        begin, cpu, count = time.monotonic(), time.process_time(), 0
        while time.monotonic() - begin < QUARTER_S:
            for _ in range(batch):
                if rounds:
                    work(rounds)
                give_back()
            count += batch
        print(time.monotonic(), count, time.process_time() - cpu, flush=True)


def shared(rate):
    """Sleeps without the GIL for 4 parts of 10."""
    pause, hold = 0.4 / rate, 0.6 / rate
    sys.stdin.readline()
    held, begin = 0, time.monotonic()
    since = begin
    while since - begin < 5:
        while time.monotonic() - since < hold:
            pass
        before = time.monotonic()
        held += before - since
        time.sleep(pause)
        since = time.monotonic()
    print(held, since - begin, flush=True)
    sys.stdin.readline()


print("ready", flush=True)
if sys.argv[1] == "shared":
    shared(float(sys.argv[2]))
elif len(sys.argv) > 2:
    known(int(sys.argv[2]))
else:
    steady(float(sys.argv[1]))
