"""A process to make an image of, which has greenlets. All other objects are hidden from the collector: the image has
each that is in its lists."""
import gc
import os

import greenlet


def leaf():
    parent.switch()


def nested(depth):
    nested(depth - 1) if depth else leaf()


def through_c():
    list(map(lambda each: leaf(), [1]))


def generator():
    yield leaf()


def child():
    inner = greenlet.greenlet(leaf)
    inner.switch()


class Named(greenlet.greenlet):
    name = None


gc.collect()
gc.freeze()
parent = greenlet.getcurrent()
kept = [Named(function) for function in (leaf, through_c, lambda: list(generator()), lambda: nested(3), child)]
kept[0].name = "a name"
for each in kept:
    each.switch()
kept.append(greenlet.greenlet(leaf))
os.read(0, 1)
