"""One way to hang or to crawl, or to be well: argument 1 names it. Answers to `ended` when the program may be asked."""
import ctypes
import gc
import os
import re
import socket
import sys
import threading
import time

import common
from common import NUMBERS, clock, libc, spin, start, wait, wait_holding

MUTEX = ctypes.create_string_buffer(64)  # all zero: PTHREAD_MUTEX_INITIALIZER
GATE = common.FDS["gate"]
shared = threading.Lock()
PATTERN = re.compile("(a+)+$")
state = {}


class Both(object):
    """Two threads meet: none goes on before the other has come."""
    def __init__(self):
        self.here = [threading.Event(), threading.Event()]

    def meet(self, which):
        self.here[which].set()
        self.here[1 - which].wait()


# ---- deadlocks ----

def gil_deadlock():
    """One has a C mutex and wants the GIL, the other has the GIL and wants the mutex."""
    def wants_gil():
        libc.pthread_mutex_lock(MUTEX)
        state["has"].set()
        wait("turn")  # in the read, without the GIL; fed when the other has it for good

    def wants_mutex():
        state["has"].wait()
        wait("more")
        common.gil_keeping_libc.pthread_mutex_lock(MUTEX)

    state["has"] = threading.Event()
    start("wants-gil", wants_gil)
    start("wants-mutex", wants_mutex)
    start("bystander", wait, "third")


def take_with(locks, both, which):
    with locks[which]:
        both.meet(which)
        with locks[1 - which]:
            pass


def take_plainly(locks, both, which):
    locks[which].acquire()
    both.meet(which)
    locks[1 - which].acquire()


def deadlock_with():
    locks, both = [threading.Lock(), threading.Lock()], Both()
    start("one", take_with, locks, both, 0)
    start("other", take_with, locks, both, 1)


def deadlock_rlocks():
    locks, both = [threading.RLock(), threading.RLock()], Both()
    start("one", take_plainly, locks, both, 0)
    start("other", take_plainly, locks, both, 1)
    start("behind", locks[0].acquire)


def deadlock_conditions():
    """Locks of Conditions, as queues have them."""
    locks, both = [threading.Condition(), threading.Condition(threading.Lock())], Both()
    start("one", take_with, locks, both, 0)
    start("other", take_with, locks, both, 1)


def twice():
    with shared:
        with shared:
            pass


def deadlock_alone():
    start("alone", twice)


# ---- locks ----

def keep_rlock(lock, has):
    with lock:
        has.set()
        wait("gate")


def wait_rlock():
    lock, has = threading.RLock(), threading.Event()
    start("owner", keep_rlock, lock, has)
    has.wait()
    for number in range(2):
        start("waiter-%d" % number, lock.acquire)


def wait_with():
    has = threading.Event()
    start("owner", keep_rlock, shared, has)
    has.wait()

    def use():
        with shared:
            pass
    for number in range(2):
        start("waiter-%d" % number, use)


def wait_unknown():
    """Taken, and never given back; by whom, nothing tells."""
    shared.acquire()
    for number in range(2):
        start("waiter-%d" % number, shared.acquire)


def import_slow():
    import why_slow
    return why_slow


def import_lock():
    start("first", import_slow)
    start("second", import_slow)


# ---- the GIL ----

def hog():
    wait("turn")
    PATTERN.match("a" * 60 + "b")


def take_turns():
    while True:
        time.sleep(0.001)


def gil_hog():
    """For ever."""
    start("hog", hog)
    start("victim", take_turns)


def held_blocked():
    def hold():
        wait("turn")
        wait_holding("gate")
    start("holder", hold)
    start("victim", take_turns)


def exchange():
    near, far = socket.socketpair()
    while True:
        near.send(b"x")
        far.recv(1)


def keep_summing():
    """Keeps the GIL in C code for about argument 2 seconds, once it is fed: a hog that ends."""
    def count(much):
        began = clock()
        sum(NUMBERS(much))
        return clock() - began

    def hog_it():
        much = int(1000000 * float(common.ARGS[1]) / min(count(1000000) for _ in range(9)))
        wait("turn")
        count(much)
    start("hog", hog_it)
    start("victim", take_turns)


def convoy():
    start("io", exchange)
    start("spinner", spin)


def gil_saturated():
    for number in range(3):
        start("spinner-%d" % number, spin)


def collection():
    """How long one takes."""
    began = clock()
    gc.collect()
    return clock() - began


def gc_long():
    """One collection after the other, of as many objects as make one take long here."""
    def collect():
        much = state["much"] = [[] for _ in range(100000)]
        while collection() < 0.03 and len(much) < 3000000:
            much.extend([] for _ in range(len(much) // 2))
        while True:
            state["took"] = max(state.get("took", 0), collection())
            time.sleep(0.001)  # lets others in: in 2.7 they would never come to their turn
    gc.disable()
    start("collector", collect)


# ---- the whole process ----

class Last(object):
    """Its end is that of the interpreter."""
    def __init__(self, read, pipe):
        self.read, self.pipe = read, pipe

    def __del__(self):
        self.read(self.pipe, 1)


def finalizing():
    common.say(tids=dict(common.tids, MainThread=common.tid()), idents=common.idents())
    state["last"] = Last(os.read, GATE)
    sys.modules["last of all"] = state["last"]
    sys.exit(0)


def vfork():
    """Starts a program whose standard input is a FIFO that nobody opens: until then the kernel lets nothing wake us."""
    def begin():
        wait("turn")
        os.posix_spawn("/bin/true", ["true"], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 0, common.ARGS[1], os.O_RDONLY, 0)])
    start("starter", begin)


# ---- two at once ----

def deadlock_and_hog():
    deadlock_rlocks()
    gil_hog()


def wait_and_blocked():
    wait_rlock()
    held_blocked()


def wait_and_convoy():
    wait_rlock()
    convoy()


def wait_and_gc():
    wait_rlock()
    gc_long()


def wait_and_saturated():
    wait_rlock()
    gil_saturated()


if __name__ == "__main__":
    globals()[common.ARGS[0]]()
    common.serve(state=lambda: dict((name, value) for name, value in state.items() if isinstance(value, float)))
