"""The static program (GILSPY_STATIC): one file that works where nothing else is."""
import json
import os
import pty
import re
import shutil
import subprocess

import pytest

import gilspy
import roots

MB = 1000 * 1000


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A root with nothing in it but the program as it is installed, and /proc."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(["cmake", "--install", os.path.dirname(gilspy.PROGRAM), "--prefix", str(folder)], check=True,
                   stdout=subprocess.DEVNULL)
    root = tmp_path_factory.mktemp("empty")
    shutil.copy(folder / "bin" / "gilspy", root)
    with roots.proc(root):
        yield root


def test_is_static(empty):
    done = subprocess.run(["ldd", empty / "gilspy"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.stdout.strip() == "not a dynamic executable"
    assert (empty / "gilspy").stat().st_size <= 4 * MB
    assert sorted(os.listdir(empty)) == ["gilspy", "proc"]


def test_dump(empty, target):
    done = roots.run(empty, "/gilspy", "dump", "-j", "-p", target.pid)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    gilspy.check(document)
    names = {thread["name"]: thread["frames"] for thread in document["threads"]}
    assert set(names) == {"MainThread", "worker"}
    assert [frame["function"] for frame in names["worker"]][:2] == ["wait", "idle"]


def test_text(empty, target):
    """There are no locales, so all is ASCII; and no names of users."""
    done = roots.run(empty, "/gilspy", "dump", "-p", target.pid, env={"PATH": "/", "LC_ALL": "C.UTF-8"})
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.isascii()
    assert re.search(r'^\. %d "worker" idle in read' % target.began["tids"]["worker"], done.stdout, re.M)
    done = roots.run(empty, "/gilspy", "ps", "-p", target.pid)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].split()[:2] == [str(target.pid), "0"]


def test_top(empty, target):
    """Without descriptions of terminals there is no screen; one line says so, and what works."""
    master, slave = pty.openpty()
    done = subprocess.run(["chroot", str(empty), "/gilspy", "top", "-p", str(target.pid)], stdin=slave, stdout=slave,
                          stderr=subprocess.PIPE, text=True, timeout=60, env={"TERM": "xterm", "PATH": os.environ["PATH"]})
    os.close(slave)
    os.close(master)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "terminfo" in done.stderr and "gilspy top --once" in done.stderr
    done = roots.run(empty, "/gilspy", "top", "--once", "-d", "100ms", "-p", target.pid)
    assert (done.returncode, done.stderr) == (0, "") and "worker" in done.stdout
