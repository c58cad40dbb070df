"""A worker that waits for what its parent sends it, who waits for its own input: nothing is wrong."""
import multiprocessing
import sys


def work(pipe):
    while True:
        pipe.recv()


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    near, far = context.Pipe(False)
    child = context.Process(target=work, args=(near,), daemon=True)
    child.start()
    print(child.pid, flush=True)
    sys.stdin.read()
