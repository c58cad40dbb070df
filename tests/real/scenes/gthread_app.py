"""A WSGI application: / computes for some milliseconds, /io reads a small file often."""
import os
import time

MS = float(os.environ["SCENE_MS"])


def loops_of(seconds):
    best = 1e9
    for _ in range(20):
        began = time.perf_counter()
        spin(2000)
        best = min(best, time.perf_counter() - began)
    return int(2000 * seconds / best) + 1


def spin(count):
    total = 0
    for value in range(count):
        total += value
    return total


COUNT = loops_of(MS / 1000)


def app(environ, start_response):
    if environ["PATH_INFO"] == "/io":
        for _ in range(20):
            os.stat(__file__)
    else:
        spin(COUNT)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"42"]
