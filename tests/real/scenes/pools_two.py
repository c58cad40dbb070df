"""Workers of a pool that wait for another pool, which is at work; or for that one or their own, whichever is the first."""
import concurrent.futures
import sys
import threading

front, back = (concurrent.futures.ThreadPoolExecutor(2, thread_name_prefix=name) for name in ("front", "back"))
met = threading.Barrier(3)


def outer():
    future = back.submit(int)
    met.wait()
    if sys.argv[1] == "either":
        return concurrent.futures.wait([future, front.submit(int)], return_when="FIRST_COMPLETED")
    return future.result()


for _ in range(2):
    back.submit(sys.stdin.read)
futures = [front.submit(outer) for _ in range(2)]
met.wait()
print(flush=True)
futures[0].result()
