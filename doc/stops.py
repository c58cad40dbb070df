"""What doc/stops.png shows: a free-threaded Python whose workers stand still while a thread collects garbage."""
import gc
import threading
import time

heap = [[i] for i in range(200000)]


def work():
    while True:
        sum(range(10000))


def clean():
    while True:
        time.sleep(0.15)
        gc.collect()


for number in range(3):
    threading.Thread(target=work, name=f"worker-{number}", daemon=True).start()
threading.Thread(target=clean, name="cleaner", daemon=True).start()
print("begun", flush=True)
time.sleep(60)
