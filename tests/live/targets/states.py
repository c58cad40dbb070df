"""A main thread that serves, and one thread that idles, sleeps with the GIL in a regular expression, or spins."""
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


common.start("worker", {"idle": idle, "sleep": sleep, "hog": hog, "spin": spin}[common.ARGS[0]])
common.serve(ping=lambda: "pong")
