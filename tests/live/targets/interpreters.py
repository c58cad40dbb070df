"""Threads that stand in an interpreter of their own, which shares the GIL or has its own, and compute when they are let go: Python 3.12 and later."""
import sys
import threading

import common

try:
    import _interpreters as interpreters  # 3.13 on
except ImportError:
    import _xxsubinterpreters as interpreters

BODY = """
import os
def stand():
    os.read(%d, 1)
def compute():
    while True:
        pass
stand()
compute()
"""


def make(isolated):
    if sys.version_info >= (3, 13):
        return interpreters.create("isolated" if isolated else "legacy")
    return interpreters.create(isolated=isolated)


made = {}
both = threading.Semaphore(0)


def visit(name):
    # Made by the thread that goes there: 3.12 goes there with a state that bears the name of whoever made it.
    made[name] = make(name == "own")
    both.release()
    run = getattr(interpreters, "exec", None) or interpreters.run_string
    run(made[name], BODY % common.FDS[name])


if __name__ == "__main__":
    for name in ("own", "shared"):
        common.start(name, visit, name)
        both.acquire()
    common.say(tids=dict(common.tids, MainThread=common.tid()), ids={name: int(i) for name, i in made.items()})
    common.wait("main")
    common.wait_holding("holder")
