"""Two Locks taken crosswise by acquire()."""
import threading

first, second = threading.Lock(), threading.Lock()
met = threading.Barrier(2)


def one():
    first.acquire()
    met.wait()
    second.acquire()


def other():
    second.acquire()
    met.wait()
    first.acquire()


threads = [threading.Thread(target=one, name="one", daemon=True),
           threading.Thread(target=other, name="other", daemon=True)]
for thread in threads:
    thread.start()
print(flush=True)
threads[0].join()
