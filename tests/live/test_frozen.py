"""A process that is frozen by its cgroup (docker pause): nobody waits for it, and it is said."""
import os

import pytest

import gilspy
from target import running, until

FREEZER = "/sys/fs/cgroup/freezer"  # of version 1; with version 2 it is a file of each cgroup

pytestmark = pytest.mark.skipif(not os.access(FREEZER, os.W_OK), reason="needs the freezer of cgroups version 1, and root")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read()


@pytest.fixture
def frozen(python, folders):
    with running(python, folders, "guarded.py", pipes=["call", "stray", "spin"]) as target:
        group = "%s/gilspy-test-%d" % (FREEZER, target.pid)
        os.mkdir(group)
        try:
            write(group + "/cgroup.procs", str(target.pid))
            write(group + "/freezer.state", "FROZEN")
            until(lambda: read(group + "/freezer.state") == "FROZEN\n", "the process to be frozen")
            yield target
        finally:
            write(group + "/freezer.state", "THAWED")
            target.process.kill()
            target.process.wait()
            until(lambda: not read(group + "/cgroup.procs"), "the process to leave")
            os.rmdir(group)


def test_it_is_said(frozen, tmp_path):
    for how in (["dump"], ["dump", "-b", "-n"], ["why", "-d", "200ms"], ["stat", "-d", "200ms"],
                ["record", "-b", "-d", "200ms", "-o", tmp_path / "out.folded"]):
        done = gilspy.run(*how, "-p", frozen.pid)
        assert done.returncode == 0 and "frozen by its cgroup" in done.stdout + done.stderr, (how, done)
