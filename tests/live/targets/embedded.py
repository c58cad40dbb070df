"""What runs in a program that embeds Python (embed.c): threads of C stand in stand(), the main one serves."""
import threading

import common

ready = threading.Semaphore(0)


def stand(name, pipe):
    common.tids[name] = common.tid()
    ready.release()
    common.wait(pipe)
    common.wait_holding("gate")


def serve(count):
    """As soon as so many threads stand."""
    for _ in range(count):
        ready.acquire()
    common.serve()
