"""Running gilspy stat, and what every document of it must fulfil."""
import contextlib
import json
import os
import signal
import subprocess

import gilspy
from target import until

THREAD = {"tid", "ident", "name", "main", "has", "waits", "without", "unknown", "on_cpu", "acquisitions", "wait_count", "wait_us",
          "longest_wait_us", "longest_hold_us", "hold_us", "half_width"}
GIL = {"state", "held", "contended", "mean_waiters", "switches", "switches_per_second", "longest_hold_us",
       "longest_hold_tid", "held_avg", "wait_avg"}
DOCUMENT = {"schema", "pid", "python", "method", "seconds", "exact_seconds", "gil", "threads", "ended", "native", "hogs", "blame", "loops", "locks",
            "stopped_worlds", "gc", "method_why", "events", "events_lost", "violations", "quality"}
HOG = {"tid", "function", "file", "line", "native", "module", "held_us", "longest_us", "holds", "waiters"}
SHARES = ("has", "waits", "without", "unknown")


def check(document):
    """What holds for every document."""
    assert set(document) - {"interpreters"} == DOCUMENT
    assert (document["schema"], document["method"], document["exact_seconds"]) == (1, "sampled", 0)
    assert set(document["gil"]) == GIL and set(document["quality"]) == gilspy.QUALITY | {"overhead"}
    for thread in document["threads"]:
        assert set(thread) == THREAD
        assert abs(sum(thread[share] for share in SHARES) - 1) < 1e-6
        assert all(0 <= thread[share] <= 1 for share in SHARES), thread
        assert 0 < thread["half_width"] <= 1, thread
    assert [thread["main"] for thread in document["threads"]].count(True) <= 1
    native = document["native"]  # null of a process that has ended
    assert native is None or (set(native) == {"threads", "on_cpu", "busiest"} and native["threads"] >= len(native["busiest"]))
    for hog in document["hogs"]:
        assert set(hog) == HOG and hog["holds"] >= 1
    assert document["blame"] == sorted(document["blame"], key=lambda row: -row["us"])
    return document


def named(document):
    return {thread["name"]: thread for thread in document["threads"]}


def stat(pid, *args):
    done = gilspy.run("stat", "--json", "-p", pid, *args)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return check(json.loads(done.stdout))


class Watch:
    """A run of stat that goes on until `document` is asked for."""
    def __init__(self, pid, *args):
        self.process = subprocess.Popen([gilspy.PROGRAM, "stat", "--json", "-p", str(pid), "-d", "60", *args],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
        until(lambda: self.watches(pid), "gilspy to watch")

    def watches(self, pid):
        """It keeps descriptors for the threads, which it opens with the first sample."""
        folder = "/proc/%d/fd" % self.process.pid
        with contextlib.suppress(FileNotFoundError):
            links = [os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)]
            return any(link.startswith("/proc/%d/task/" % pid) for link in links)
        return False

    def document(self):
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=60)
        assert (self.process.returncode, err) == (0, ""), err
        return check(json.loads(out))

    def end(self):
        self.process.kill()
        self.process.communicate()


@contextlib.contextmanager
def watching(pid, *args):
    watch = Watch(pid, *args)
    try:
        yield watch
    finally:
        watch.end()


def kept_s(pid, tid):
    """For how long the thread could have gone on up to now, but had no processor, by the kernel's account."""
    with open("/proc/%d/task/%d/schedstat" % (pid, tid)) as file:
        return int(file.read().split()[1]) / 1e9


def missed_s(document):
    """Time of which gilspy itself says that it did not look."""
    quality = document["quality"]
    return (quality["late"] + quality["lost"]) / 1000
