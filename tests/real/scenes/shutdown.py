"""The main thread has come to its end and waits for a thread that works on."""
import sys
import threading


def work():
    print(flush=True)
    sys.stdin.read()


threading.Thread(target=work, name="worker").start()
