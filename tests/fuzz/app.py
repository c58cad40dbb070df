# -*- coding: utf-8 -*-
"""A process to make an image of: threads in many states, variables of many kinds. For Python 2.7 and 3.6 on."""
import os
import sys
import threading
import time

held = sys.argv[1] == "held"
lock = threading.Lock()
lock.acquire()
begun = []


class Point(object):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def wait(self):
        begun.append(1)
        lock.acquire()


class Slotted(object):
    __slots__ = ("only",)


def recurse(depth):
    if depth == 0:
        lock.acquire()
    else:
        recurse(depth - 1)


def generate(count):
    for number in range(count):
        begun.append(1)
        lock.acquire()
        yield number


def deep():
    begun.append(1)
    recurse(12)


def inner_of():
    shared = {"a": 1}

    def inner(argument, *more, **named):
        begun.append(1)
        return shared, lock.acquire()

    return inner


def values(number=-3, text="plain", *rest, **named):
    yes, nothing, real, tiny, huge = True, None, -0.1, 1e-300, 2 ** 200
    middle, low = 2 ** 61, -2 ** 31
    latin, wide, astral = u"caf\xe9", u"\u20ac uro", u"\U0001f40d snake"
    odd = u"\ud800 \u202e \x1b[31m \x00 \n"
    raw, long_text = b"\xff\x00raw'", "x" * 500
    pair, items, table = (1, (2, (3, (4,)))), [1, [2, [3, [4]]]], {"k": {"k": {"k": {"k": 1}}}, 2: b"b"}
    group, frozen, empty = {1, "two"}, frozenset([3]), set()
    around = [1]
    around.append(around)
    point, slotted, kind, function, many = Point(1, "y"), Slotted(), Point, deep, list(range(100))
    begun.append(1)
    lock.acquire()
    return locals()


def compute():
    begun.append(1)
    while True:
        time.sleep(0.001)


threads = [(u"point", Point(1, 2).wait), (u"deep", deep), (u"closure", lambda: inner_of()(1, 2, name=3)),
           (u"values \x1b]0;title\x07 \u202e", values), (u"generator", lambda: list(generate(3))),
           (u"x" * 300, compute), (u"\U0001f40d", compute)]
for name, body in threads:
    thread = threading.Thread(target=body, name=name if sys.version_info[0] > 2 else name.encode("utf-8"))
    thread.daemon = True
    thread.start()
while len(begun) < len(threads):
    time.sleep(0.001)
if held:
    import ctypes
    ctypes.PyDLL(None).read(0, ctypes.create_string_buffer(1), 1)
else:
    os.read(0, 1)
os._exit(0)
