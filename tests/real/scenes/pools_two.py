"""Workers of a pool that wait for another pool, which is at work."""
import concurrent.futures
import sys
import threading

front, back = (concurrent.futures.ThreadPoolExecutor(2, thread_name_prefix=name) for name in ("front", "back"))
met = threading.Barrier(3)


def outer():
    future = back.submit(int)
    met.wait()
    return future.result()


for _ in range(2):
    back.submit(sys.stdin.read)
futures = [front.submit(outer) for _ in range(2)]
met.wait()
print(flush=True)
futures[0].result()
