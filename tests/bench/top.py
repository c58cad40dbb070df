"""What `gilspy top` costs, and how fast it is for whoever sits before it, beside `py-spy top`: part top of script/bench."""
import fcntl
import os
import pathlib
import pty
import select
import struct
import subprocess
import termios
import time

import record

CHURN = """import sys, threading
def breed():
    n = 0
    while True:
        n += 1
        scope = {}
        exec("def body_%d():\\n    return sum(range(%d))" % (n, 50 + n % 50), scope)
        thread = threading.Thread(target=scope["body_%d" % n], name="short-%d" % n)
        thread.start()
        thread.join()
for n in range(2):
    threading.Thread(target=breed, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


class Terminal:
    """A command in a pseudo-terminal that somebody reads."""

    def __init__(self, command, rows=40, columns=120):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        environment = dict(os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8")
        self.began = time.monotonic()
        self.process = subprocess.Popen(list(map(str, command)), stdin=slave, stdout=slave, stderr=slave, env=environment,
                                        start_new_session=True)
        os.close(slave)

    def read(self, patience_s):
        ready, _, _ = select.select([self.master], [], [], max(0, patience_s))
        return os.read(self.master, 1 << 16) if ready else b""

    def wait_for(self, words, patience_s=20):
        """How long it took until they were written, in ms."""
        seen, began = b"", time.monotonic()
        while words not in seen:
            if time.monotonic() - began > patience_s:
                return float("nan")
            seen = seen[-200:] + self.read(0.01)
        return (time.monotonic() - began) * 1e3

    def pump(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(end - time.monotonic())

    def cpu_s(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9

    def rss_kib(self):
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def first_screen(bench, count):
    print("top, from exec to the first whole screen, ms: median (min-max)")
    for kind, text in (("idle", "8 threads"), ("many", "200 threads")):
        with record.Target(bench.python, "target.py", kind) as target:
            times = []
            for _ in range(count):
                with Terminal([bench.program, "top", "-p", target.pid]) as top:
                    times.append(top.wait_for(b"quit"))
        print(f"  {text:24} {record.spread(times)}")


CROWD = """import sys, threading
def sleep(event):
    event.wait()
def spin():
    while True:
        pass
for n in range(998):
    threading.Thread(target=sleep, args=(threading.Event(),), daemon=True).start()
threading.Thread(target=spin, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


def key(bench, count):
    """Each press of h changes the whole screen."""
    process = subprocess.Popen([bench.python, "-c", CROWD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    try:
        with Terminal([bench.program, "top", "-p", process.pid]) as top:
            top.wait_for(b"quit")
            top.pump(2)
            times = []
            for n in range(count):
                os.write(top.master, b"h")
                times.append(top.wait_for(b"HAS%" if n % 2 else b"one row up"))
                top.pump(0.13)
    finally:
        process.kill()
        process.wait()
    print(f"top, from a key to what it shows, 1,000 threads, ms: {record.spread(times)}")


def cpu(bench, seconds, count):
    print("top, CPU at the default rate, % of a core: median (min-max)")
    for kind, text in (("idle", "8 threads, all asleep"), ("four", "5 threads, 4 contend"), ("many", "200 threads, 2 contend"),
                       ("crowd", "200 threads, all asleep")):
        with record.Target(bench.python, "target.py", kind) as target:
            commands = {"gilspy": [bench.program, "top", "-p", target.pid],
                        "py-spy": [bench.peer_folder / "bin" / "py-spy", "top", "-p", target.pid]}
            for name, command in commands.items():
                shares = []
                for _ in range(count):
                    with Terminal(command) as top:
                        top.pump(2)
                        before, began = top.cpu_s(), time.monotonic()
                        top.pump(seconds)
                        shares.append(100 * (top.cpu_s() - before) / (time.monotonic() - began))
                print(f"  {text:24} {name:8} {record.spread(shares, '{:.2f}')}")


def memory(bench, minutes):
    """Threads and code come and go all the time."""
    process = subprocess.Popen([bench.python, "-c", CHURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    try:
        with Terminal([bench.program, "top", "-r", "1000", "-p", process.pid]) as top:
            sizes = []
            for _ in range(10):
                top.pump(6 * minutes)
                sizes.append(top.rss_kib() / 1024)
    finally:
        process.kill()
        process.wait()
    print(f"top, memory under churn at 1 kHz, MB, ten times in {minutes:g} min: " + " ".join(f"{size:.1f}" for size in sizes))


def measure(bench, wanted):
    parts = {"top.first": lambda: first_screen(bench, 5 if bench.quick else 30),
             "top.key": lambda: key(bench, 20 if bench.quick else 100),
             "top.cpu": lambda: cpu(bench, 4 if bench.quick else 10, 1 if bench.quick else 3),
             "top.memory": lambda: memory(bench, 0.5 if bench.quick else 10)}
    for part, run in parts.items():
        if wanted(part):
            run()
