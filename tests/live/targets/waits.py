"""A thread that holds a lock for scripted times, and one that waits for it each time and clocks that."""
import os
import threading

import common

FIRST = 60  # ms of the first wait, in which it is found out that it is one for a lock
APART = 10  # ms between waits
plain = threading.Lock()
guard = threading.RLock()
numbers = [1]
clocked = []  # [when it asked, when it had it]
to_holder, to_waiter = os.pipe(), os.pipe()


def hold(ms):
    """Lets the other one ask once it has the lock; that of an object is let go by who detaches."""
    libc = common.gil_keeping_libc if common.ARGS[0] == "object" else common.libc
    libc.write(to_waiter[1], b".", 1)
    libc.usleep(1000 * ms)


def hold_lock(lock, ms):
    with lock:
        hold(ms)


def take_lock(lock):
    with lock:
        pass


def wait_each(take, thing):
    while True:
        os.read(to_waiter[0], 1)
        asked = common.clock()
        take(thing)
        clocked.append([asked, common.clock()])
        os.write(to_holder[1], b".")


def hold_each(times):
    """The main thread holds, so that nobody asks in between. The first of them is not told, but that of all before."""
    for ms in [FIRST] + times:
        common.libc.usleep(1000 * APART)
        holder(thing, ms)
        os.read(to_holder[0], 1)
    return clocked[1:]


holder, waiter, thing = {
    "lock": (hold_lock, take_lock, plain), "rlock": (hold_lock, take_lock, guard),
    "object": (lambda numbers, ms: numbers.sort(key=lambda _: hold(ms) or 0), lambda numbers: numbers.append(1) or numbers.pop(),
               numbers)}[common.ARGS[0]]
common.start("waiter", wait_each, waiter, thing)
common.serve(hold=hold_each)
