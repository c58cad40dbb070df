"""Greenlets of a kind that stand still; a native thread tells their stacks when it is asked to, by a line."""
import gc
import json
import socket
import sys
import threading

import greenlet


def stack(frame):
    rows = []
    while frame:
        rows.append([frame.f_code.co_name, frame.f_lineno])
        frame = frame.f_back
    return rows


def tell():
    for line in sys.stdin:
        print(json.dumps({hex(id(one)): stack(one.gr_frame) for one in gc.get_objects()
                          if isinstance(one, greenlet.greenlet) and one and one.gr_frame}), flush=True)


def leaf():
    away()


def through_c():
    list(map(lambda each: away(), [1]))  # the evaluator is called anew: a frame on the C stack


class Key:
    def __lt__(self, other):
        away()


def through_sort():
    sorted([Key(), Key()])


def generator():
    yield away()


def through_generator():
    list(generator())


def deep(depth=300):
    deep(depth - 1) if depth else away()


STACKS = [leaf, through_c, through_sort, through_generator, deep]


def plain():
    global away
    away = greenlet.getcurrent().switch
    kept = [greenlet.greenlet(function) for function in STACKS * 3]
    for each in kept:
        each.switch()
    threading.Thread(target=tell, daemon=True).start()
    print(hex(id(greenlet.getcurrent())), flush=True)
    threading.Event().wait()


def start(sleep, spawn):
    global away

    def away():
        sleep(1000)
    kept = [spawn(function) for function in STACKS * 3]
    sleep(0.01)
    threading.Thread(target=tell, daemon=True).start()
    return kept


SERVER = socket.create_server(("127.0.0.1", 0))  # it says nothing


def reads(wrap):
    wrap(socket.create_connection(SERVER.getsockname())).recv(1)


def of_gevent():
    import gevent
    import gevent.lock
    import gevent.socket
    lock = gevent.lock.RLock()

    def holds():
        with lock:
            gevent.sleep(1000)

    def wants():
        with lock:
            pass
    others = [gevent.spawn(holds), gevent.spawn(wants)]
    others[0].name = "the holder"
    others.append(gevent.spawn(reads, lambda plain: gevent.socket.socket(fileno=plain.detach())))
    kept = start(gevent.sleep, gevent.spawn)
    print(hex(id(others[1])), flush=True)
    gevent.wait(kept + others)


def of_eventlet():
    import eventlet
    import eventlet.queue
    waits = eventlet.spawn(eventlet.queue.Queue().get)
    eventlet.spawn(reads, eventlet.greenio.GreenSocket)
    kept = start(eventlet.sleep, eventlet.spawn)
    print(hex(id(waits)), flush=True)
    kept[0].wait()


def keeps():
    """A greenlet keeps the hub: it waits for a native thread's work itself."""
    import gevent

    def keeper():
        print(hex(id(gevent.getcurrent())), flush=True)
        sys.stdin.read()
    gevent.joinall([gevent.spawn(keeper), *[gevent.spawn(gevent.sleep, 1000) for _ in range(3)]])


def churn():
    import gevent

    def inner():
        gevent.sleep(0)

    def middle():
        inner()

    def outer():
        middle()
    print(flush=True)
    while True:
        gevent.joinall([gevent.spawn(outer) for _ in range(50)])


{"plain": plain, "gevent": of_gevent, "eventlet": of_eventlet, "keeps": keeps, "churn": churn}[sys.argv[1]]()
