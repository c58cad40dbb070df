"""Threads that all compute, each in functions of its own; without a GIL at the same time."""
import common


class Work(object):
    def __init__(self, number):
        self.number = number


def step_0(work):
    return work.number + 1


def loop_0(work):
    while True:
        step_0(work)


def step_1(work):
    return step_1_inner(work) + 1


def step_1_inner(work):
    return work.number


def loop_1(work):
    while True:
        step_1(work)


def numbers_2(work):
    for number in range(3):
        yield number + work.number


def loop_2(work):
    while True:
        sum(number for number in numbers_2(work))


def park(label, count):
    unused = [label, count, 2.5, True, None]
    common.wait("park")
    return unused


for index, body in enumerate([loop_0, loop_1, loop_2]):
    common.start("loop-%d" % index, body, Work(index))
common.start("parked \u00e9\u20ac", park, u"gr\u00fc\u00df \u20ac", 2 ** 70)
common.serve()
