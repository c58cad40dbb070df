"""What tests have this process do, and what it has of its own."""
import os
import threading


def spin(over):
    """Computes, with the GIL, until it is told to end."""
    while not over.is_set():
        sum(range(200))


class Spinning:
    """Threads that compute."""

    def __init__(self, count, name="spins"):
        self.over = threading.Event()
        self.threads = [threading.Thread(target=spin, args=(self.over,), name="%s-%d" % (name, i)) for i in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        for thread in self.threads:
            thread.join()


def count(loops):
    """Computes for a while, with the GIL."""
    total = 0
    for i in range(loops):
        total += i
    return total


def children():
    found = []
    for task in os.listdir("/proc/self/task"):
        with open("/proc/self/task/%s/children" % task) as file:
            found += file.read().split()
    return sorted(map(int, found))


def looks(child):
    """How often a child has slept so far, as a sampler does after each look."""
    with open("/proc/%d/status" % child) as file:
        return int(file.read().split("voluntary_ctxt_switches:")[1].split()[0])


def count_until_seen(looks_more=100):
    """Computes until the only child has looked that often."""
    [child] = children()
    seen = looks(child) + looks_more
    while looks(child) < seen:
        count(1000)


def own():
    """Children, descriptors (their number) and threads of this process."""
    return children(), len(os.listdir("/proc/self/fd")), threading.active_count()
