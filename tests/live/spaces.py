"""Pythons in other namespaces and roots, as containers are made of: how to start one there, and who it is outside."""
import contextlib
import os
import re
import shutil
import subprocess

import pytest

import pythons
import gilspy
import test_gil
from target import running, until

# What unshare starts is the first process of its pid namespace, and ends with unshare.
PID = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
USER = 40321  # a number that nobody has
AS_USER = ["setpriv", "--reuid=%d" % USER, "--regid=%d" % USER, "--clear-groups"]
# A root of its own; the machine's files are at /mnt there, so that gilspy can run in it.
PIVOT = """
mount --bind "$0" "$0" && cd "$0" && mount --rbind / mnt && mount -t proc proc proc &&
pivot_root . . && umount -l . && exec "$@"
"""
LOADER = ["/mnt/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "--library-path",
          "/mnt/usr/lib/x86_64-linux-gnu"]


def choose(kind, where):
    """A Python of this kind (as "3.8") from there (as "pyenv"); skips the test where there is none."""
    found, broken, _ = pythons.discover()
    for python in found:
        if (python.kind, python.where) == (kind, where):
            return python
    assert not broken
    pytest.skip("Python %s of %s is not installed" % (kind, where))


class Elsewhere:
    """A Python that is started in another space: `lead` goes before the words that run it."""
    def __init__(self, python, lead, pivot=False):
        self.python, self.lead, self.pivot = python, lead, pivot

    def __getattr__(self, name):
        return getattr(self.python, name)

    def command(self, *args, path=None):
        words = self.python.command(*args, path=path)
        return self.lead + (words[2:] if self.pivot else words)


def with_root(python):
    return Elsewhere(python, PID[:-1] + ["sh", "-c", PIVOT, python.root], pivot=True)


def last_child(pid):
    """The only descendant of a process that has no child itself."""
    while True:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            children = file.read().split()
        if not children:
            return pid
        pid, = map(int, children)


def parent(pid):
    with open("/proc/%d/stat" % pid) as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


def ids_of(path):
    """The ids of a thread, from our pid namespace down to its own."""
    with open(path + "/status") as file:
        return [int(word) for word in re.search(r"^NSpid:(.*)$", file.read(), re.M).group(1).split()]


class Place:
    """A target that is not where we are: began["tids"] are those that we see, inside those that it sees."""
    def __init__(self, target):
        self.target, self.inside = target, target.began["tids"]
        target.pid = last_child(target.process.pid)
        task = "/proc/%d/task/" % target.pid
        outside = {ids_of(task + tid)[-1]: int(tid) for tid in os.listdir(task)}
        target.began["tids"] = {name: outside[tid] for name, tid in self.inside.items()}
        self.ns_pid = ids_of("/proc/%d" % target.pid)[-1]

    def wait(self):
        """Until all its threads stand where they wait for orders."""
        tids = self.target.began["tids"]
        until(lambda: all(self.target.call_of(tid) for tid in tids.values()), "all threads to sleep")
        for name, pipe in [("holder", "hold"), ("computer", "compute"), *test_gil.VICTIMS.items()]:
            self.target.wait_reading(tids[name], pipe)
        self.target.wait_idle()


@contextlib.contextmanager
def standing(python, folders, **options):
    """A Place where the threads of gil.py stand."""
    with running(python, folders, "gil.py", pipes=test_gil.PIPES, **options) as target:
        place = Place(target)
        place.wait()
        yield place


def enter(pid, pivot=False):
    """The words that run gilspy where that process is."""
    return ["nsenter", "--target=%d" % pid, "--mount", "--pid", "--root", "--wd", *(LOADER if pivot else [])]


def run_inside(pid, *args, pivot=False):
    """gilspy run where a process is, with the pids that are seen there."""
    program = "/mnt" + gilspy.PROGRAM if pivot else gilspy.PROGRAM
    return subprocess.run([*enter(pid, pivot), program, *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, encoding="utf-8", timeout=180,
                          env={"LC_ALL": "C.UTF-8"})


@contextlib.contextmanager
def overlay(folder, lower):
    """A view of a folder whose layers lie in two file systems, where the numbers of devices say nothing."""
    upper, view = os.path.join(folder, "upper"), os.path.join(folder, "view")
    os.makedirs(upper)
    os.mkdir(view)
    subprocess.run(["mount", "-t", "tmpfs", "none", upper], check=True)
    try:
        for name in ("changes", "work"):
            os.mkdir(os.path.join(upper, name))
        layers = "lowerdir=%s,upperdir=%s/changes,workdir=%s/work" % (lower, upper, upper)
        made = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, view], stderr=subprocess.PIPE)
        if made.returncode != 0:
            pytest.skip("this kernel mounts no overlay here: %r" % made.stderr)
        try:
            yield view
        finally:
            subprocess.run(["umount", view], check=True)
    finally:
        subprocess.run(["umount", upper], check=True)
        shutil.rmtree(folder)
