"""Threads that hold the GIL, wait for it and do without it, in a Python without ctypes: a static one loads no library."""
import itertools
import json
import os
import sys
import threading

FDS = json.loads(sys.argv[1])
tids = {}


def hold():
    """In one call that computes for ever with the GIL."""
    os.read(FDS["hold"], 1)
    sum(itertools.repeat(0))


def start(name, body, *args):
    begun = threading.Event()

    def run():
        tids[name] = threading.get_native_id()
        begun.set()
        body(*args)

    threading.Thread(target=run, name=name, daemon=True).start()
    begun.wait()


taken = threading.Lock()
taken.acquire()
start("holder", hold)
for number in range(3):
    start("victim-%d" % number, os.read, FDS["turn-%d" % number], 1)
start("locked", taken.acquire)
tids["MainThread"] = threading.get_native_id()
os.write(1, (json.dumps({"tids": tids}) + "\n").encode())
os.read(0, 1)
