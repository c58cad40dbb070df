"""A thread that is deeper in calls than anything reads, and then sleeps or computes. For Python 3.11 on, where calls of
Python take no C stack."""
import sys

import common

sys.setrecursionlimit(10 ** 7)


def leaf():
    return 1


def descend(depth):
    if depth:
        return descend(depth - 1)
    common.say(deep=True)
    common.wait("begin")
    while True:
        leaf()


common.start("deep", descend, int(common.ARGS[0]))
common.serve()
