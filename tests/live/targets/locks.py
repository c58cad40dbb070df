"""Threads that wait for locks while somebody has them, and clock that; others that wait for work, which is no lock."""
import threading

try:
    import queue
except ImportError:
    import Queue as queue

import common


class Pool(object):
    def __init__(self):
        self.guard = threading.RLock()
        self.numbers = [1]


plain = threading.Lock()
pool = Pool()
jobs = queue.Queue()
clocked = {}  # [when it asked, when it had it], by the threads' names
WAITERS = ["plain-0", "plain-1", "guard-0"] + ["object-0"] * ("object" in common.ARGS)
done = dict((name, threading.Event()) for name in WAITERS)


def keep_plain():
    while True:
        common.wait("ask")
        with plain:
            common.wait("give")


def keep_guard():
    common.wait("ask")
    pool.guard.acquire()
    common.wait("give")
    pool.guard.release()


def keep_numbers():
    """Without a GIL the list has a lock of its own, which is held while it is sorted."""
    common.wait("ask")
    pool.numbers.sort(key=lambda _: common.wait_holding("give") or 0)


def clock(name, take):
    common.wait("turn")
    asked = common.clock()
    take()
    clocked[name] = [asked, common.clock()]
    done[name].set()


def take_plain():
    with plain:
        pass


def take_guard():
    with pool.guard:
        pass


def take_numbers():
    pool.numbers.append(2)


def work():
    while True:
        jobs.get()


def answer():
    for event in done.values():
        event.wait()
    return clocked


common.start("keeper", keep_plain)
common.start("guardian", keep_guard)
if "object" in common.ARGS:
    common.start("sorter", keep_numbers)
for name in WAITERS:
    common.start(name, clock, name, {"plain": take_plain, "guard": take_guard, "object": take_numbers}[name.split("-")[0]])
common.start("worker", work)
common.serve(answer=answer)
