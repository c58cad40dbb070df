"""A process that is frozen by its cgroup (docker pause): nobody waits for it, and it is said."""
import os

import pytest

import gilspy
from target import running, until

VERSION_1 = "/sys/fs/cgroup/freezer"
VERSION_2 = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read()


def wanted(python):
    """The cgroup is the kernel's."""
    return python.label.startswith(("3.8.18-py", "3.13.0-py")) or python.label.endswith("-system")


class Version1:
    def __init__(self, name):
        self.path = os.path.join(VERSION_1, name)

    def freeze(self, how):
        write(self.path + "/freezer.state", "FROZEN" if how else "THAWED")

    def is_frozen(self):
        return read(self.path + "/freezer.state") == "FROZEN\n"


class Version2:
    def __init__(self, name):
        root = next((root for root in VERSION_2 if os.path.exists(root + "/cgroup.procs")), VERSION_2[0])
        self.path = os.path.join(root, name)

    def freeze(self, how):
        write(self.path + "/cgroup.freeze", "1" if how else "0")

    def is_frozen(self):
        return "frozen 1\n" in read(self.path + "/cgroup.events")


@pytest.fixture(params=[Version1, Version2])
def frozen(request, python, folders):
    with running(python, folders, "guarded.py", pipes=["call", "stray", "spin"]) as target:
        group = request.param("gilspy-test-%d" % target.pid)
        root = os.path.dirname(group.path)
        if not (os.path.exists(root + "/cgroup.procs") and os.access(root, os.W_OK)):
            pytest.skip("needs cgroups of %s below %s, and root" % (request.param.__name__, root))
        os.mkdir(group.path)
        try:
            write(group.path + "/cgroup.procs", str(target.pid))
            group.freeze(True)
            until(group.is_frozen, "the process to be frozen")
            yield target
        finally:
            group.freeze(False)
            target.process.kill()
            target.process.wait()
            until(lambda: not read(group.path + "/cgroup.procs"), "the process to leave")
            os.rmdir(group.path)


def test_it_is_said(frozen, tmp_path):
    for how in (["dump"], ["dump", "-b", "-n"], ["why", "-d", "200ms"], ["stat", "-d", "200ms"],
                ["stat", "--exact", "-d", "200ms"],
                ["record", "-b", "-d", "200ms", "-o", tmp_path / "out.folded"]):
        done = gilspy.run(*how, "-p", frozen.pid)
        assert done.returncode == 0 and "frozen by its cgroup" in done.stdout + done.stderr, (how, done)
