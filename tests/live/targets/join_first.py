"""Waits for the end of a child that cannot end: nobody takes what it has put into a queue. Says the child's pid."""
import multiprocessing

import common


def fill(queue):
    common.libc.prctl(1, 9)  # PR_SET_PDEATHSIG: it would wait for its parent for ever
    queue.put("x" * 1000000)


fork = multiprocessing.get_context("fork") if hasattr(multiprocessing, "get_context") else multiprocessing
queue = fork.Queue()
child = fork.Process(target=fill, args=(queue,))
child.start()
common.say(child=child.pid)
child.join()
