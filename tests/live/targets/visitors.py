"""Threads that compute at the same time in interpreters with GILs of their own, which the main thread made; it computes,
too. Each knows which thread went where: Python 3.12 and later."""
import common
import interpreters  # as the other scene makes them

COUNT = 3
BODY = """
import os
def in_%d():
    while True:
        pass
os.read(%d, 1)
in_%d()
"""


def visit(number):
    run = getattr(interpreters.interpreters, "exec", None) or interpreters.interpreters.run_string
    run(made[number], BODY % (number, common.FDS["visitors"], number))


def at_home():
    while True:
        pass


made = [interpreters.make(True) for _ in range(COUNT)]
for number in range(COUNT):
    common.start("visitor-%d" % number, visit, number)
common.say(tids=dict(common.tids, MainThread=common.tid()))
common.wait("main")
at_home()
