"""What exact tracing costs and how exact it is: counts against the truth, shares, the slowdown of the target within
--max-overhead, the time to the first figure, the size of a trace."""
import json
import os
import pathlib
import signal
import statistics
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
RATES = (100, 10000, 500000)


class Handbacks:
    def __init__(self, python, *args):
        self.process = subprocess.Popen([python, str(HERE / "handbacks.py"), *map(str, args)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.pid, self.rows = str(self.process.pid), []

    def collect(self):
        """Keeps what it tells."""
        def listen():
            for line in self.process.stdout:
                self.rows.append(tuple(map(float, line.split())))
        threading.Thread(target=listen, daemon=True).start()

    def say(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def is_tracing(pid):
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        return any("perf_event" in link for link in links)
    except OSError:
        return False


def begin(gilspy, *args):
    process = subprocess.Popen([str(gilspy), *map(str, args)], stdout=subprocess.PIPE, text=True)
    while process.poll() is None and not is_tracing(process.pid):
        time.sleep(0.01)
    time.sleep(0.3)  # the first look at the process
    return process


def end(process):
    process.send_signal(signal.SIGINT)
    return json.loads(process.communicate()[0].splitlines()[-1])


def counts(gilspy, python, count):
    with Handbacks(python, 0, count) as target:
        process = begin(gilspy, "stat", "--exact", "--json", "--max-overhead", "off", "-d", "1h", "-p", target.pid)
        target.say()
        target.process.stdout.readline()
        while not pathlib.Path(f"/proc/{target.pid}/syscall").read_text().startswith("0 "):
            pass  # until it reads again, and so has had the GIL after its writing, too
        found = end(process)
    takes = sum(row["acquisitions"] for row in found["threads"])
    rate = count / found["seconds"]
    print(f"  {count} hand-backs ({rate:.0f}/s): {takes - 2} counted, without those of its input and output; lost "
          f"{found['events_lost']}, out of order {found['violations']}")


def shares(gilspy, python):
    for rate in (10, 100):
        with Handbacks(python, "shared", rate) as target:
            process = begin(gilspy, "stat", "--exact", "--json", "--max-overhead", "off", "-d", "1h", "-p", target.pid,
                            "--interval", "1s")
            target.say()
            truth, seconds = map(float, target.process.stdout.readline().split())
            process.send_signal(signal.SIGINT)
            lines = [json.loads(line) for line in process.communicate()[0].splitlines()]
        held = sum(line["threads"][0]["has"] * line["seconds"] for line in lines)
        print(f"  share at {rate} hand-backs/s: truth {100 * truth / seconds:.2f} %, measured "
              f"{100 * held / seconds:.2f} % of its {seconds:.2f} s")


def slowdown(gilspy, python, rounds):
    print("  slowdown of a target that gives the GIL back so often, in processor time; each second or third for itself")
    for rate in RATES:
        for most in ("2%", "20%"):
            ratios, methods, claimed, calm = [], set(), [], []
            with Handbacks(python, rate) as target:
                target.collect()
                time.sleep(1)
                for _ in range(rounds):
                    free = span(target, 2)
                    calm.append(free)
                    process = begin(gilspy, "stat", "--exact", "--json", "--max-overhead", most, "-d", "1h", "-p",
                                    target.pid)
                    traced = span(target, 4)
                    found = end(process)
                    methods.add(found["method"])
                    claimed.append(found["exact_seconds"] / found["seconds"])
                    ratios.append(traced / free - 1)
            print(f"  {rate:7}/s, at most {most:4} {100 * statistics.median(ratios):6.2f} % slower "
                  f"({100 * min(ratios):.2f} to {100 * max(ratios):.2f})  {'/'.join(sorted(methods))}, traced "
                  f"{100 * statistics.median(claimed):.0f} % of the time; without it {noise(calm)}")


def noise(spans):
    """How far rounds without gilspy are from one another."""
    middle = statistics.median(spans)
    return f"{100 * (min(spans) / middle - 1):+.1f} to {100 * (max(spans) / middle - 1):+.1f} %"


def span(target, seconds):
    """Processor time per hand-back in the next seconds."""
    first = len(target.rows) + 1  # the one that has begun is not counted
    time.sleep(seconds)
    rows = target.rows[first:]
    return sum(row[2] for row in rows) / sum(row[1] for row in rows)


def attach(gilspy, python, count):
    times = []
    with Handbacks(python, 100) as target:
        for _ in range(count):
            begun = time.monotonic()
            subprocess.run([str(gilspy), "stat", "--exact", "-d", "100ms", "-p", target.pid], stdout=subprocess.DEVNULL)
            times.append(time.monotonic() - begun)
    print(f"  attach to first figure, with 100 ms of tracing: {1000 * statistics.median(times):.0f} ms "
          f"({1000 * min(times):.0f}-{1000 * max(times):.0f})")


def size(gilspy, python, folder):
    with Handbacks(python, 10000) as target:
        out = folder / "exact.trace.json"
        done = subprocess.run([str(gilspy), "trace", "--json", "--max-overhead", "off", "-d", "2", "-o", str(out), "-p",
                               target.pid], stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    print(f"  trace: {found['events']} events in {found['seconds']:.1f} s, {out.stat().st_size / 1e6:.1f} MB of JSON "
          f"({out.stat().st_size / found['events']:.0f} bytes an event), CPU of gilspy "
          f"{found['quality']['cpu_us'] / 1e6 / found['seconds'] * 100:.1f} %")
    out.unlink()


def measure(gilspy, python, folder, quick):
    print("exact tracing")
    counts(gilspy, python, 2000 if quick else 30000)
    shares(gilspy, python)
    attach(gilspy, python, 3 if quick else 11)
    size(gilspy, python, folder)
    slowdown(gilspy, python, 1 if quick else 5)
