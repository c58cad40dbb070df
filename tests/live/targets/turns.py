"""A thread that goes down by many calls, all by the line of its turn, works below, comes back, and goes down by the
lines of the next turn: no stack has calls of two turns. For Python 3.11 on, where calls of Python take no C stack."""
import random
import sys

import common

sys.setrecursionlimit(10000)


def work(left, turn):
    if left == 0:
        return 0
    if turn == 0:
        return work(left - 1, turn) + 1
    if turn == 1:
        return 1 + work(left - 1, turn)
    return sum(number for number in [work(left - 1, turn)])


def down(left, turn):
    if left == 0:
        for _ in range(random.randrange(100)):
            work(random.randrange(12), turn)
        return 0
    if turn == 0:
        return down(left - 1, turn) + 1
    if turn == 1:
        return 1 + down(left - 1, turn)
    return -down(left - 1, turn)


def turns():
    turn = 0
    while True:
        turn = (turn + 1) % 3
        down(random.randrange(50, 400), turn)


common.start("turns", turns)
common.serve()
