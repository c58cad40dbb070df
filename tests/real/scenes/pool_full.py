"""Workers of a pool that wait for work which they gave to that pool."""
import concurrent.futures
import threading

pool = concurrent.futures.ThreadPoolExecutor(2, thread_name_prefix="pool")
met = threading.Barrier(3)


def inner():
    return 42


def outer():
    met.wait()
    return pool.submit(inner).result()


futures = [pool.submit(outer) for _ in range(2)]
met.wait()
print(flush=True)
futures[0].result()
