"""Comes into a deadlock as soon as it has started; ends with its input, with a status of its own."""
import os
import threading

LOCKS = [threading.RLock(), threading.RLock()]
HAVE = [threading.Event(), threading.Event()]


def take(which):
    with LOCKS[which]:
        HAVE[which].set()
        HAVE[1 - which].wait()
        LOCKS[1 - which].acquire()


for number in range(2):
    thread = threading.Thread(target=take, args=(number,), name="taker-%d" % number)
    thread.daemon = True
    thread.start()
while os.read(0, 1):
    pass
os._exit(7)
