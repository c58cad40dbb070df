"""Threads that log through a slow handler: its lock changes hands again and again."""
import logging
import threading
import time


class Slow(logging.Handler):
    def emit(self, record):
        time.sleep(0.3)


log = logging.getLogger("app")
log.addHandler(Slow())
log.setLevel(logging.INFO)


def work():
    while True:
        log.info("done")
        time.sleep(0.01)  # else the same thread may have the lock again, for seconds


for number in range(8):
    threading.Thread(target=work, name="worker-%d" % number, daemon=True).start()
print(flush=True)
threading.Event().wait()
