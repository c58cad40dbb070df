"""Two phases of one program: pure Python in two threads, which take turns; then they pack into one archive, one at a
time, and compression lets go of the GIL."""
import sys
import threading
import time
import zlib

archive = threading.Lock()
TEXT = "key=value; list=[1, 2, 3]; " * 200


def tokenize(text):
    return [part.strip().partition("=") for part in text.split(";")]


def evaluate(tokens):
    return sum(len(name) * len(value) for name, _, value in tokens)


def parse(until):
    while time.monotonic() < until:
        evaluate(tokenize(TEXT))


def pack(until):
    data = (TEXT * 3000).encode()
    while time.monotonic() < until:
        with archive:
            zlib.compress(data, 6)
        time.sleep(0.01)


def work(middle, end):
    parse(middle)
    pack(end)


def log(end):
    while time.monotonic() < end:
        time.sleep(0.1)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 6
    middle, end = time.monotonic() + seconds / 2, time.monotonic() + seconds
    threads = [threading.Thread(target=work, args=(middle, end), name="worker-%d" % i) for i in (1, 2)]
    threads.append(threading.Thread(target=log, args=(end,), name="log-writer"))
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    for thread in threads:
        thread.join()


main()
