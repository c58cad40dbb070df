"""Many threads: some sleep, some take turns with the GIL. Arguments: how many of each."""
import threading
import time

import common


def sleep():
    common.wait("gate")


def spin():
    while True:
        for _ in range(1000):
            pass


sleepers, spinners = map(int, common.ARGS)
for number in range(sleepers):
    common.start("sleeper-%03d" % number, sleep)
for number in range(spinners):
    common.start("spinner-%d" % number, spin)
common.serve(count=threading.active_count, nap=lambda: time.sleep(0.01))
