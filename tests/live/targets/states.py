"""A main thread that serves, and one thread that idles, sleeps with the GIL in a regular expression, or spins."""
import os
import re
import time

import common


def idle():
    common.wait("begin")


def sleep():
    time.sleep(3600)


def hog():
    common.wait("begin")
    re.match("(a+)+$", "a" * 60 + "b")


def deep(depth):
    return 1 + deep(depth - 1) if depth else 0


def spin():
    while True:
        deep(20)


def vfork(fifo):
    """Waits, with the GIL, until its child has opened a FIFO."""
    os.mkfifo(fifo)
    child = os.posix_spawn("/bin/true", ["true"], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 0, fifo, os.O_RDONLY, 0)])
    os.waitpid(child, 0)
    os.unlink(fifo)


def leave():
    """Ends the main thread, and it alone."""
    common.libc.syscall(EXIT, 0)


EXIT = 60
common.start("worker", {"idle": idle, "sleep": sleep, "hog": hog, "spin": spin}[common.ARGS[0]])
for number in range(40 if "crowd" in common.ARGS else 0):
    common.start("one-%d" % number, idle)
common.serve(ping=lambda: "pong", vfork=vfork, leave=leave)
