"""Workers of a pool that wait for work which they gave to that pool: argument 1 says by which function, or that one of
them has begun with what the other waits for."""
import concurrent.futures
import multiprocessing.pool
import sys
import threading

pool = concurrent.futures.ThreadPoolExecutor(2, thread_name_prefix="pool")
met = threading.Barrier(3)


def inner():
    return 42


def by_result():
    met.wait()
    return pool.submit(inner).result()


def by_wait():
    met.wait()
    return concurrent.futures.wait([pool.submit(inner), pool.submit(inner)])


def by_as_completed():
    met.wait()
    return list(concurrent.futures.as_completed([pool.submit(inner), pool.submit(inner)]))


def for_begun():
    future = pool.submit(by_result)
    met.wait()
    return future.result()


def by_apply():
    met.wait()
    return pool.apply(inner)


if sys.argv[1] == "apply":
    pool = multiprocessing.pool.ThreadPool(2)
    pool.submit = pool.apply_async
WAYS = {"result": [by_result] * 2, "wait": [by_wait] * 2, "as_completed": [by_as_completed] * 2, "begun": [for_begun],
        "apply": [by_apply] * 2}
futures = [pool.submit(function) for function in WAYS[sys.argv[1]]]
for _ in range(600):
    pool.submit(int)  # before what they wait for
met.wait()
print(flush=True)
futures[0].get() if sys.argv[1] == "apply" else futures[0].result()
