"""Targets that know what they did: clocked.py KIND. Prints `ready`; answers each line of its input with one line of JSON
(what was done so far, and CPU seconds of the thread that did it), ends with its input.

calm: arithmetic in long functions. calls: functions of some 50 ns. split: both in turn, each with its CPU time.
mixed: a small service whose workers encode, hash, sleep, search and reckon."""
import hashlib
import json
import queue
import random
import re
import sys
import threading
import time

done = {"units": 0, "calls": 0.0, "straight": 0.0}


def callee(number):
    return number


def caller(number):
    return callee(number) + callee(number)


def call_heavy():
    for number in range(2000):
        caller(number)


def straight():
    total = 0
    for number in range(8000):
        total += number * 3 + (number & 7)
    return total


def calm():
    while True:
        straight()
        done["units"] += 1


def calls():
    while True:
        call_heavy()
        done["units"] += 1


def spend(name, body, seconds):
    began = time.thread_time()
    while time.thread_time() - began < seconds:
        body()
    done[name] += time.thread_time() - began


def split():
    while True:
        spend("calls", call_heavy, random.uniform(0.005, 0.02))
        spend("straight", straight, random.uniform(0.005, 0.02))


RECORDS = [{"id": n, "name": "record %d" % n, "tags": ["a", "b", str(n)]} for n in range(200)]
TEXT = " ".join("word%d@example.org and more" % n for n in range(400))
ADDRESS = re.compile(r"([a-z0-9.]+)@([a-z.]+)")
JOBS = [lambda: json.loads(json.dumps(RECORDS)), lambda: hashlib.sha256(b"x" * (1 << 21)).hexdigest(),
        lambda: time.sleep(0.002), lambda: ADDRESS.findall(TEXT), lambda: sum(n * n for n in range(5000))]


def serve(jobs):
    while True:
        jobs.get()()


def produce(jobs):
    while True:
        for job in JOBS:
            jobs.put(job)


def main(kind):
    jobs = queue.Queue(32)
    bodies = [(produce, jobs)] + 4 * [(serve, jobs)] if kind == "mixed" else [({"calm": calm, "calls": calls,
                                                                                "split": split}[kind],)]
    for number, (body, *args) in enumerate(bodies):
        threading.Thread(target=body, args=args, name="%s-%d" % (body.__name__, number), daemon=True).start()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(done), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
