"""As crosswise to the eye: both wait for a Lock that a third thread has, which sees to it that they go on."""
import sys
import threading

first, second = threading.Lock(), threading.Lock()
met = threading.Barrier(3)


def one():
    met.wait()
    second.acquire()
    first.acquire()


def other():
    met.wait()
    first.acquire()
    second.acquire()


def third():
    first.acquire()
    second.acquire()
    met.wait()
    print(flush=True)
    sys.stdin.read()
    first.release()
    second.release()


for function in one, other, third:
    threading.Thread(target=function, name=function.__name__, daemon=True).start()
threading.Event().wait()
