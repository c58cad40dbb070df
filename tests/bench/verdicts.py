"""How often `why` is right: each scenario of tests/live/why.py in each Python, as a matrix of what is and what is said.

By itself: python3 tests/bench/verdicts.py [--healthy N] [--only NAME] [LABEL...], with BUILD as for the tests. Near
misses are in it: holds that end a moment before the watch is over, two verdicts at once, servers that have the GIL for
most of the time and serve all the same; gil_load 0.4.2, whose sampler deadlocks on 3.11, is there if it can be installed.
Healthy programs are watched N times in all."""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "live"))
sys.dont_write_bytecode = True
import gilspy  # noqa: E402
import pythons  # noqa: E402
import why  # noqa: E402
from target import Folders  # noqa: E402

HANGING = [way for way in why.WAYS + why.MISSES if way not in why.WELL and way.name != "keep_summing"]
SERVERS = ("heavy_server", "heavier_server")
GIL_LOAD = """
import gil_load, threading, time
gil_load.init()
gil_load.start(av_sample_interval=0.001)
threading.Thread(target=lambda: [sum(range(1000)) for _ in iter(int, 1)], daemon=True).start()
print("ready", flush=True)
while True:
    time.sleep(0.05)
    gil_load.stop()
    gil_load.start(av_sample_interval=0.001)
"""


def judged(pid, *options):
    done = gilspy.run("why", "--json", *options, "-p", pid)
    if done.returncode != 0:
        return ["(%s)" % done.stderr.strip()], None
    verdicts = json.loads(done.stdout)["verdicts"]
    return [verdict["kind"] for verdict in verdicts], verdicts


class Matrix:
    def __init__(self):
        self.cells, self.wrong = collections.Counter(), []

    def add(self, python, name, expected, kinds, verdicts, said=""):
        self.cells[expected[0], kinds[0]] += 1
        healthy = expected[0] in why.HEALTHY
        # What is well is idle or busy; with several verdicts it matters that all are there.
        right = set(kinds) <= why.HEALTHY if healthy else set(expected) <= set(kinds)
        right &= not said or said in " ".join(verdicts[0]["evidence"])
        if not right:
            self.wrong.append("%s %s: %s" % (python, name, [verdict["text"] for verdict in verdicts or []]))

    def show(self):
        rows = sorted({row for row, _ in self.cells})
        columns = sorted({column for _, column in self.cells})
        width = max(map(len, rows)) + 2
        print("what is \\ what is said first".ljust(width))
        for number, column in enumerate(columns):
            print(" " * width + "  ." * number + "  " + column)
        for row in rows:
            print(row.ljust(width) + "".join("%3s" % (self.cells[row, column] or ".") for column in columns))
        total = sum(self.cells.values())
        print("%d of %d right, %.1f %%" % (total - len(self.wrong), total, 100 * (1 - len(self.wrong) / total)))
        for line in self.wrong:
            print("wrong: " + line)


def nearly_all_the_time(matrix, python, folders):
    """Holds that end a tenth of a second before the watch does: one of a thread that sleeps, one of C code."""
    ways = {way.name: way for way in why.WAYS + why.MISSES}
    with why.brought_about(python, folders, ways["held_blocked"]) as target:
        ending = threading.Timer(1.9, target.feed, ["gate"])
        ending.start()
        matrix.add(python.label, "sleep ends at 1.9 s", ["gil_held_blocked"], *judged(target.pid, "-d", "2"))
        ending.join()
    with why.brought_about(python, folders, ways["keep_summing"]) as target:
        target.feed("turn")
        matrix.add(python.label, "hog ends at 1.9 s", ["gil_hog"], *judged(target.pid, "-d", "2"))


def with_gil_load(matrix):
    python = next((one for one in pythons.discover()[0] if one.label == "3.11.7-pyenv"), None)
    with tempfile.TemporaryDirectory() as folder:
        if not python or subprocess.run([python.path, "-m", "pip", "install", "-q", "--target", folder, "gil_load==0.4.2"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            print("gil_load 0.4.2 on 3.11: not tried, it cannot be installed here")
            return
        script = os.path.join(folder, "script.py")
        pathlib.Path(script).write_text(GIL_LOAD)
        process = subprocess.Popen([python.path, "-m", "gil_load", script], stdout=subprocess.PIPE,
                                   env={**os.environ, "PYTHONPATH": folder})
        process.stdout.readline()
        time.sleep(3)  # lets it come to its deadlock
        matrix.add(python.label, "gil_load", ["gil_deadlock"], *judged(process.pid))
        process.kill()
        process.wait()


def truth(way, target, before, kinds):
    """A server that more than a twentieth of its clients have to wait for may be called saturated, or contended."""
    if way.name not in SERVERS or kinds[0] not in ("gil_saturated", "gil_contended"):
        return way.kinds
    asked, late = (now - then for now, then in zip(target.ask("requests")["answer"], before))
    return [kinds[0]] if late > asked / 20 else way.kinds


def watch_healthy(found, folders, runs, only):
    """Each program in turn, each time in another Python."""
    alarms = Matrix()
    ways = [way for way in why.WELL if not only or way.name in only or "well" in only]
    for number in range(runs if ways else 0):
        way = ways[number % len(ways)]
        able = [python for python in found if way.fits(python)]
        python = able[number // len(ways) % len(able)]
        with why.brought_about(python, folders, way) as target:
            before = target.ask("requests")["answer"] if way.name in SERVERS else None
            told = judged(target.pid)
            alarms.add(python.label, way.name, truth(way, target, before, told[0]), *told, said=way.said)
    print("healthy programs, %d runs:" % runs)
    alarms.show()


def measure(labels=(), healthy_runs=20, only=()):
    matrix = Matrix()
    folders = Folders()
    try:
        found = [one for one in pythons.discover()[0] if not labels or one.label in labels or one.kind in labels]
        for python in found:
            for way in HANGING:
                if way.fits(python) and (not only or way.name in only):
                    with why.brought_about(python, folders, way) as target:
                        matrix.add(python.label, way.name, way.kinds, *judged(target.pid))
            if python.has_gil and (not only or "ends" in only):
                nearly_all_the_time(matrix, python, folders)
        if (not labels or "3.11" in labels) and (not only or "gil_load" in only):
            with_gil_load(matrix)
        if matrix.cells:
            matrix.show()
        if healthy_runs > 0:
            watch_healthy(found, folders, healthy_runs, only)
    finally:
        folders.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", nargs="*", help="a Python: 3.11.7-pyenv, or 3.11")
    parser.add_argument("--healthy", type=int, default=20, help="how often healthy programs are watched")
    parser.add_argument("--only", action="append", default=[], help="a scenario, or all that are well: 'well'; repeatable")
    options = parser.parse_args()
    measure(options.labels, options.healthy, options.only)


if __name__ == "__main__":
    main()
