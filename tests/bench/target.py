"""What the benches look at: target.py KIND (see the end). Prints `ready`, ends with its input."""
import os
import select
import socket
import sys
import threading
import time


def spin():
    while True:
        for _ in range(1000):
            pass


def deep(left=500):
    if left:
        deep(left - 1)
    else:
        spin()


def asleep_in(way):
    if way == 0:
        time.sleep(3600)
    elif way == 1:
        threading.Event().wait()
    elif way == 2:
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()
    elif way == 3:
        os.read(os.pipe()[0], 1)
    elif way == 4:
        pair = socket.socketpair()
        pair[0].recv(1)
    else:
        select.select([os.pipe()[0]], [], [])


def waking():
    while True:
        time.sleep(0.05)


def begun(go, body):
    go.wait()
    body()


def start_together(count, body):
    """So that those that are not started yet need not compete with those that are."""
    go = threading.Event()
    start(count, begun, go, body)
    go.set()


def start(count, body, *args):
    for n in range(count):
        thread = threading.Thread(target=body, args=args or (n,) if body is asleep_in else args, name="%s-%d" % (body.__name__, n))
        thread.daemon = True
        thread.start()


if __name__ == "__main__":
    kind = sys.argv[1]
    if kind == "idle":
        start(7, asleep_in)
    elif kind == "spin":
        start(1, spin)
    elif kind == "deep":
        sys.setrecursionlimit(2000)
        start(1, deep)
    elif kind == "many":
        start(197, asleep_in, 1)
        start(2, spin)
    elif kind == "crowd":
        start(199, asleep_in)
    elif kind == "moving":
        start(199, waking)
    elif kind == "pair":
        start_together(2, spin)
    elif kind == "four":
        start_together(4, spin)
    elif kind == "blocked":
        start(199, asleep_in, 1)
        start(1, spin)
    elif kind == "contended":
        start_together(199, spin)
    elif kind == "waking":
        start(199, waking)
        start(1, spin)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
