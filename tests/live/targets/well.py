"""One way to be well: argument 1 names it. What is busy, serves, or waits for work is held up by nothing."""
import gc
import mmap
import os
import random
import select
import socket
import struct
import sys
import threading
import time

import common
from common import NUMBERS, clock, spin, start, wait

state = {}


def busy():
    start("computer", spin)


def starved():
    """Computes where two others do, who are no Pythons of its own, on one processor."""
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    for _ in range(2):
        if os.fork() == 0:
            common.libc.prctl(1, 9)  # PR_SET_PDEATHSIG
            spin()
    start("computer", spin)


def idle():
    """Everybody asleep, each in another way."""
    try:
        import queue
    except ImportError:
        import Queue as queue
    near, far = socket.socketpair()
    jobs, event = queue.Queue(), threading.Event()
    start("reader", wait, "gate")
    start("receiver", near.recv, 1)
    start("sleeper", time.sleep, 3600)
    start("getter", jobs.get)
    start("event", event.wait)
    start("joiner", threading.enumerate()[-1].join)
    state["keep"] = far


def queues():
    """Everybody waits for a queue, or for another process."""
    import multiprocessing
    try:
        import queue
    except ImportError:
        import Queue as queue
    jobs, full, taken = queue.Queue(), queue.Queue(1), multiprocessing.Lock()
    full.put(1)
    near, far = os.pipe()
    if os.fork() == 0:
        common.libc.prctl(1, 9)  # PR_SET_PDEATHSIG
        taken.acquire()
        os.write(far, b"x")
        while True:
            time.sleep(60)
    os.read(near, 1)

    def get():
        jobs.get()
    start("getter", get)
    start("putter", lambda: full.put(2))
    start("sharer", taken.acquire)
    if hasattr(queue, "SimpleQueue"):
        simple = queue.SimpleQueue()
        start("simple", lambda: simple.get())


def pool():
    """Workers that get a job of a few milliseconds each now and then."""
    try:
        import queue
    except ImportError:
        import Queue as queue
    jobs = queue.Queue()

    def work():
        while True:
            count = jobs.get()
            sum(range(count))

    def feed():
        while True:
            jobs.put(10000)
            time.sleep(0.004)
    for number in range(4):
        start("worker-%d" % number, work)
    start("feeder", feed)


def server():
    """Short requests on a socket, one thread each connection, and a client for each."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(5)

    def answer(connection):
        while True:
            request = connection.recv(100)
            connection.sendall(str(sum(range(2000 + len(request)))).encode("ascii"))

    def accept():
        while True:
            start("connection", answer, listening.accept()[0])

    def ask():
        connection = socket.create_connection(listening.getsockname())
        while True:
            connection.sendall(b"how many?")
            connection.recv(100)
            time.sleep(0.005)
    start("server", accept)
    for number in range(3):
        start("client-%d" % number, ask)


class Requests(object):
    """Connections to a process of clients, which asks for something every `pause` seconds on average. Made before there
    are threads. figures: requests, and those of them that came 50 ms late, since nobody was there to answer them."""
    def __init__(self, count, pause):
        self.figures = mmap.mmap(-1, 16)
        pairs = [socket.socketpair() for _ in range(count)]
        self.own = [near for near, _ in pairs]
        if os.fork() == 0:
            for near in self.own:
                near.close()
            try:
                self.ask([far for _, far in pairs], pause)
            finally:
                os._exit(0)
        for _, far in pairs:
            far.close()

    def ask(self, ends, pause):
        """As if each asked at random, and was answered before it asks again; until the server is gone."""
        due, idle, asked, late = clock(), list(ends), 0, 0
        while True:
            ready = select.select(ends, [], [], max(0, due - clock()) if idle else None)[0]
            for end in ready:
                if not end.recv(100):
                    return
                idle.append(end)
            while idle and clock() >= due:
                end = idle.pop(random.randrange(len(idle)))
                end.sendall(b"how many?")
                asked, late = asked + 1, late + (clock() > due + 0.05)
                self.figures[:] = struct.pack("QQ", asked, late)
                due = max(due + random.expovariate(1 / pause), clock() - 0.2)


def loops_of(seconds):
    """So many rounds of spin_for take about as long."""
    spin_for(1000)
    took = []
    for _ in range(20):
        began = clock()
        spin_for(2000)
        took.append(clock() - began)
    return int(2000 * seconds / min(took)) + 1


def spin_for(rounds):
    for _ in NUMBERS(rounds):
        pass


def heavy_server(share=0.7, workers=6, burst=0.001):
    """Workers that compute for a millisecond for each request: the GIL is taken most of the time, and all are served."""
    rounds, requests = loops_of(burst), Requests(workers, burst / share)

    def answer(connection):
        while connection.recv(100):
            spin_for(rounds)
            connection.sendall(b"42")
    for number, connection in enumerate(requests.own):
        start("worker-%d" % number, answer, connection)
    state["requests"] = requests


def heavier_server():
    heavy_server(0.8, 8, 0.002)


def bursts():
    """Two threads that compute for some milliseconds now and then, by themselves."""
    rounds = loops_of(0.008)

    def burst_and_rest():
        while True:
            spin_for(rounds)
            time.sleep(0.03)
    for number in range(2):
        start("burst-%d" % number, burst_and_rest)


def light_gc():
    """Garbage that is collected as it comes, in short times."""
    keep = state["keep"] = [[] for _ in range(20000)]

    def litter():
        while True:
            for _ in range(200):
                ring = []
                ring.append(ring)
            gc.collect()
            time.sleep(0.02)
    start("litter", litter)
    return keep


def file_pool():
    """A pool of threads that read files."""
    from concurrent.futures import ThreadPoolExecutor
    executor = state["executor"] = ThreadPoolExecutor(4)

    def read(path):
        with open(path, "rb") as file:
            return len(file.read())

    def order():
        while True:
            list(executor.map(read, [__file__] * 20))
            time.sleep(0.01)
    start("order", order)


def processes():
    """The parent of processes that compute for it."""
    import multiprocessing
    context = multiprocessing.get_context("fork") if sys.version_info > (3,) else multiprocessing
    pool = state["pool"] = context.Pool(2, common.libc.prctl, (1, 9))  # PR_SET_PDEATHSIG

    def order():
        while True:
            pool.map(abs, range(100))
            time.sleep(0.02)
    start("order", order)


if __name__ == "__main__":
    globals()[common.ARGS[0]]()
    common.serve(requests=lambda: struct.unpack("QQ", state["requests"].figures[:]))
