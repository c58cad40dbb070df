"""Threads that stand where they were told to, to be kept in a core: little memory, in the folder that is given."""
import os
import threading
import time

import common

threading.stack_size(512 * 1024)
os.chdir(common.ARGS[0])
taken = threading.Lock()


def deep(depth, body, *args):
    return deep(depth - 1, body, *args) if depth else body(*args)


def hold():
    common.wait("hold")
    common.wait_holding("gate")


def take_turns(pipe):
    while True:
        common.wait(pipe)


def block_on_lock():
    taken.acquire()


def crash():
    """In C code that runs without the GIL."""
    common.wait("crash")
    common.libc.strlen(8)


taken.acquire()
common.start("holder", deep, 20, hold)
for number in range(2):
    common.start("victim-%d" % number, take_turns, "turn-%d" % number)
common.start("locked", block_on_lock)
common.start("sleeper", time.sleep, 3600)
common.start("crasher", crash)
common.serve()
