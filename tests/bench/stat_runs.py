"""How true `gilspy stat` is, and what it costs: the parts stat.* of script/bench."""
import json
import os
import signal
import statistics
import subprocess
import time

from record import Target, spread

# mean hold and pause in ms, contended
PLAYS = ((5, 5, False), (5, 5, True), (0.3, 0.3, False), (50, 10, True), (0.2, 20, False))


def watches(process, pid):
    folder = f"/proc/{process.pid}/fd"
    try:
        return any(os.readlink(f"{folder}/{name}").startswith(f"/proc/{pid}/task/") for name in os.listdir(folder))
    except FileNotFoundError:
        return False


def told(bench, target, order):
    """A document of stat over what the target does on this order, and its answer."""
    process = subprocess.Popen([str(bench.program), "stat", "-j", "-d", "600", "-p", str(target.pid)],
                               stdout=subprocess.PIPE)
    while not watches(process, target.pid):
        time.sleep(0.001)
    target.process.stdin.write(json.dumps(order) + "\n")
    target.process.stdin.flush()
    truth = json.loads(target.process.stdout.readline())
    process.send_signal(signal.SIGINT)
    return json.loads(process.communicate()[0]), truth


def accuracy(bench):
    runs, seconds = (10, 1) if bench.quick else (100, 2)
    print(f"stat at 1 kHz, share of a thread that holds the GIL for random times, {runs} runs of {seconds} s: error in "
          "points (median, largest), half_width, truth inside it, late polls; the longest hold off by, ms")
    for hold_ms, free_ms, contended in PLAYS:
        errors, widths, longest, inside, late = [], [], [], 0, 0
        with Target(bench.python, "holds.py", pinned=False) as target:
            for _ in range(runs):
                document, (held, _, most) = told(bench, target, [hold_ms, free_ms, seconds, contended])
                thread = next(row for row in document["threads"] if row["name"] == "holder")
                error = thread["has"] - held / document["seconds"]
                errors.append(abs(error) * 100)
                widths.append(thread["half_width"])
                inside += abs(error) <= thread["half_width"]
                late += document["quality"]["late"]
                if thread["longest_hold_us"] is not None:
                    longest.append(abs(thread["longest_hold_us"] / 1e3 - most * 1e3))
        print(f"  {hold_ms:5} ms held, {free_ms:5} ms not{', contended' if contended else '':11}  "
              f"{statistics.median(errors):.2f}, {max(errors):.2f}   {statistics.median(widths):.4f}   "
              f"{inside} of {runs}   {late / runs / seconds:.0f}/s   {spread(longest or [0], '{:.1f}')}")


def cost(bench):
    seconds, count = (2, 2) if bench.quick else (10, 5)
    print(f"stat at 1 kHz, share of a processor, {count} runs of {seconds} s: median (least-most); polls a second")
    for kind, text in (("idle", "8 threads asleep"), ("pair", "2 threads compute"), ("four", "4 threads compute"),
                       ("many", "200 threads, 2 compute"), ("moving", "200 threads keep waking")):
        shares, polls = [], []
        with Target(bench.python, "target.py", kind, settle_s=1, pinned=False) as target:
            for _ in range(count):
                out = subprocess.run([str(bench.program), "stat", "-j", "-d", str(seconds), "-p", str(target.pid)],
                                     stdout=subprocess.PIPE, check=True).stdout
                document = json.loads(out)
                shares.append(100 * document["quality"]["cpu_us"] / 1e6 / document["seconds"])
                polls.append(document["quality"]["samples"] / document["seconds"])
        print(f"  {text:26} {spread(shares, '{:.2f}')} %   {statistics.median(polls):.0f}/s")


def attach(bench):
    count = 5 if bench.quick else 40
    times = []
    with Target(bench.python, "target.py", "spin", pinned=False) as target:
        for _ in range(count):
            began = time.monotonic()
            process = subprocess.Popen([str(bench.program), "stat", "-j", "--interval", "50ms", "-p", str(target.pid)],
                                       stdout=subprocess.PIPE)
            process.stdout.readline()
            times.append((time.monotonic() - began) * 1e3)
            process.kill()
            process.communicate()
    print(f"stat --interval 50ms, exec to the first line, ms: {spread(times, '{:.0f}')}")


def slowdown(bench):
    """CPU time of a fixed amount of pure Python, beside stat and by itself in turn."""
    count = 3 if bench.quick else 15
    code = "import time\nb = time.process_time()\nfor _ in range(%d): sum(range(1000))\nprint(time.process_time() - b)"
    ratios = []
    for _ in range(count):
        used = []
        for watched in (False, True):
            command = [bench.python, "-c", code % (20000 if bench.quick else 100000)]
            lead = [str(bench.program), "stat", "-o", "/dev/null", "--"] if watched else []
            out = subprocess.run(lead + command, stdout=subprocess.PIPE, check=True).stdout
            used.append(float(out.split()[0]))
        ratios.append(100 * (used[1] / used[0] - 1))
    print(f"CPU time of a computation beside stat, against without, %: {spread(ratios, '{:.2f}')}")


def measure(bench, wanted):
    for part, run in (("accuracy", accuracy), ("cost", cost), ("attach", attach), ("slowdown", slowdown)):
        if wanted("stat." + part):
            run(bench)
