"""Two locks of multiprocessing taken crosswise by two processes."""
import multiprocessing
import os


def crosswise(own, others, met, last):
    own.acquire()
    met.wait()
    if last:
        print(os.getpid(), flush=True)
    others.acquire()


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    first, second, met = context.Lock(), context.Lock(), context.Barrier(2)
    child = context.Process(target=crosswise, args=(second, first, met, True))
    child.start()
    crosswise(first, second, met, False)
