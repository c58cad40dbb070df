"""Needs nothing but the standard library's Python files: one thread computes, one sleeps. For Python 3.8 and later."""
import json
import os
import sys
import threading


def spin():
    while True:
        sum(range(100))


def sleep():
    os.read(json.loads(sys.argv[1])["park"], 1)


for body in spin, sleep:
    threading.Thread(target=body, name=body.__name__, daemon=True).start()
tids = {thread.name: thread.native_id for thread in threading.enumerate()}
os.write(1, (json.dumps({"tids": tids}) + "\n").encode())
os.read(0, 1)
