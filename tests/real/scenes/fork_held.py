"""A child by fork that inherited a lock which another thread of its parent held: argument 1 says which kind."""
import os
import sys
import threading

kind = sys.argv[1]
lock = threading.RLock() if kind == "rlock" else threading.Lock()
has = threading.Event()


def hold():
    with lock:
        has.set()
        sys.stdin.read()


threading.Thread(target=hold, name="flusher").start()
has.wait()
pid = os.fork()
if pid == 0:
    with lock:
        os._exit(0)
print(pid, flush=True)
os.waitpid(pid, 0)
