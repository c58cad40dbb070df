"""Threads that begin and end all the time."""
import threading

import common


def leaf():
    return sum(range(50))


def short_life():
    for _ in range(3):
        leaf()


def breed(stop=[]):
    while not stop:
        batch = [threading.Thread(target=short_life, name="short") for _ in range(4)]
        for thread in batch:
            thread.start()
        for thread in batch:
            thread.join()


common.start("breeder-1", breed)
common.start("breeder-2", breed)
common.serve()
