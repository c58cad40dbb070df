"""Threads that fight for the GIL: one keeps it for a while in C code, two want it, one sleeps."""
import ctypes
import re
import threading
import time


def tokenize(text):
    """Backtracks for about a second, and the regular expression engine never lets the GIL go."""
    return re.match("(a+)+$", text)


def parse():
    while True:
        tokenize("a" * 23 + "b")


def count():
    total = 0
    while True:
        total += sum(range(100))


def call_library():
    """A library that is called without releasing the GIL, as PyDLL does it, sleeps with it."""
    usleep = ctypes.PyDLL(None).usleep
    while True:
        usleep(20000)
        time.sleep(0.01)


def wait_for_work():
    threading.Event().wait()


for name, body in (("parser", parse), ("counter", count), ("library", call_library), ("idle", wait_for_work)):
    threading.Thread(target=body, name=name, daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
