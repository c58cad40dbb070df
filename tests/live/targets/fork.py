"""Children: forked in a thread, and by multiprocessing. Both stand in a call and take orders from a pipe."""
import multiprocessing
import os

import common


def child_says():
    common.say(pid=os.getpid(), tid=common.tid(), ident=common.threading.current_thread().ident,
               name=common.threading.current_thread().name)


def stand():
    child_says()
    while common.wait("child") == b"h":
        common.wait_holding("gate")
    os._exit(0)


def fork():
    common.wait("fork")
    if os.fork() == 0:
        stand()
    common.wait("done")


def by_multiprocessing():
    if hasattr(multiprocessing, "get_context"):
        process = multiprocessing.get_context("fork").Process(target=stand)
    else:
        process = multiprocessing.Process(target=stand)
    process.daemon = True
    process.start()
    return process.pid


common.start("forker", fork)
common.start("bystander", common.wait, "done")
common.serve(by_multiprocessing=by_multiprocessing)
