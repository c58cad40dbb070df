"""C stacks of threads in odd places: code that no file has or that changes, vfork, seccomp; of very many, and of those
that end meanwhile. The process runs on."""
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import sysconfig

import pytest

import gilspy
import native
from spaces import choose
from target import SCRIPTS, running, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("odd") / "libodd.so")
    subprocess.run(["cc", "-O2", "-fPIC", "-shared", os.path.join(SCRIPTS, "odd.c"), "-o", path], check=True)
    return path


def start(folders, library, *which):
    return running(choose("3.11", "system"), folders, "native_odd.py", library, *which, pipes=["sleep"])


def look(target, name, *args):
    return gilspy.threads_by_name(gilspy.dump(target.pid, "-n", "--max-pause", "100%", *args))[name]


def python_of(thread):
    return [frame["function"] for frame in thread["frames"] if frame["kind"] == "python"]


def test_made_code(folders, library):
    """What a program made while it runs has no name; by its frame pointer, if it has one, its caller is found."""
    with start(folders, library, "framed", "bare") as target:
        for name in "framed", "bare":
            target.wait_computing(target.began["tids"][name])
        framed, bare = look(target, "framed"), look(target, "bare")
        for thread in framed, bare:
            first = thread["frames"][0]
            assert first["module"] == "[unknown]" and re.fullmatch(r"\[unknown\]\+0x[0-9a-f]+", first["function"])
            assert python_of(thread)[0] == "<lambda>"
        assert native.seen(framed, {("native", "made_code")}) == [("native", "made_code")]
        assert framed["frames"][1]["inferred"] and native.gaps(framed) == []
        # Without one the frame pointer is that of the caller's caller, or leads nowhere: then a gap says so.
        assert native.gaps(bare) or any(frame.get("inferred") for frame in bare["frames"])


def test_changing_code(folders, library):
    """Code that is another one whenever it is looked at: whatever is found, the Python frames are whole."""
    with start(folders, library, "changing") as target:
        target.wait_computing(target.began["tids"]["changing"])
        for _ in range(20):
            assert python_of(look(target, "changing"))[-1] == "_bootstrap"
        before = target.ran_ns(target.began["tids"]["changing"])
        until(lambda: target.ran_ns(target.began["tids"]["changing"]) > before, "it to run on")


def test_vfork(folders, library):
    """A thread in state D, whose child uses its memory, is read without a stop."""
    with start(folders, library, "forking") as target:
        tid = target.began["tids"]["forking"]
        until(lambda: target.state(tid)[0] == "D", "the thread to wait for its child")
        document = gilspy.dump(target.pid, "-n")
        thread = gilspy.threads_by_name(document)["forking"]
        assert document["quality"]["stopped"] == 0
        assert native.seen(thread, {("native", "forks"), ("python", "forking")}) == [("native", "forks"),
                                                                                    ("python", "forking")]
        target.feed("sleep")  # the child ends
        until(lambda: not target.has(tid), "the thread to go on to its end")


def test_seccomp(folders, library):
    """A thread that may hardly call the kernel is stopped and let go like any other, and lives."""
    with start(folders, library, "confined") as target:
        tid = target.began["tids"]["confined"]
        target.wait_computing(tid)
        for _ in range(10):
            thread = look(target, "confined")
            assert [frame["function"] for frame in thread["frames"]][0] == "confined" and native.gaps(thread) == []
        before = target.ran_ns(tid)
        until(lambda: target.ran_ns(tid) > before, "it to run on")


def test_overwritten(folders, library):
    """A stack full of noise ends in a gap; the other threads are whole."""
    with start(folders, library, "overwritten") as target:
        target.wait_reading(target.began["tids"]["overwritten"], "sleep")
        threads = gilspy.threads_by_name(gilspy.dump(target.pid, "-n"))
        frames = threads["overwritten"]["frames"]
        assert "overwrites" in [frame["function"] for frame in frames[:3]]
        assert native.gaps(threads["overwritten"]) and native.gaps(threads["MainThread"]) == []
        assert python_of(threads["MainThread"])[-1] == "<module>"


def test_crowd(folders, library):
    """A thousand threads, with fewer descriptors than they would need."""
    few = dict(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
    with start(folders, library, "crowd") as target:
        until(lambda: len(os.listdir("/proc/%d/task" % target.pid)) > 1000, "all of them to be there")
        target.wait_idle()
        done = gilspy.run("dump", "-n", "-j", "-p", target.pid, **few)
        assert (done.returncode, done.stderr) == (0, "")
        document = json.loads(done.stdout)
        gilspy.check(document)
        crowd = [thread for thread in document["threads"] if thread["name"].startswith("crowd-")]
        assert len(crowd) == 1000 and document["quality"]["stopped"] == 0
        assert all(native.gaps(thread) == [] and python_of(thread)[-1] == "_bootstrap" for thread in crowd)
        assert {thread["frames"][-1]["function"] for thread in crowd} <= {"clone3", "clone", "__clone", "__clone3"}


def test_turnover(folders, library):
    """Threads that end while they are looked at, or stopped."""
    with start(folders, library, "turnover") as target:
        for _ in range(30):
            done = gilspy.run("dump", "-n", "-j", "-p", target.pid, "--max-pause", "100%")
            assert (done.returncode, done.stderr) == (0, "")
            threads = json.loads(done.stdout)["threads"]
            assert threads[0]["main"] and python_of(threads[0])[-1] == "<module>"
        assert target.state()[1] == 0


CYTHON = """
cdef extern from "unistd.h" nogil:
    long read(int, void *, size_t)

cdef int rest(int fd) except -1:
    cdef char byte
    with nogil:
        read(fd, &byte, 1)
    return 0

class Baker:
    def bake(self, fd):
        return rest(fd) + 1

def order(fd):
    return Baker().bake(fd)
"""


@pytest.mark.skipif(not shutil.which("cython3"), reason="cython3 is not installed")
def test_cython(folders, tmp_path):
    """Functions of Cython bear the names that they have in its source."""
    python = choose("3.11", "system")
    source, module = str(tmp_path / "bakery.pyx"), str(tmp_path / "bakery.so")
    with open(source, "w") as file:
        file.write(CYTHON)
    include = sysconfig.get_path("include")
    if sys.version_info[:2] != (3, 11) or not os.path.exists(os.path.join(include, "Python.h")):
        pytest.skip("the headers of Python 3.11 are not installed")
    subprocess.run(["cython3", "-3", source], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cc", "-O0", "-fPIC", "-shared", "-w", "-I" + include, source[:-4] + ".c", "-o", module], check=True)
    with running(python, folders, "native_cython.py", str(tmp_path), pipes=["sleep"]) as target:
        target.wait_reading(target.began["tids"]["baker"], "sleep")
        thread = look(target, "baker")
        rows = [("native", "bakery.rest"), ("native", "bakery.Baker.bake"), ("native", "bakery.order"), ("python", "run_it")]
        found = native.seen(thread, set(rows))
        assert [row for number, row in enumerate(found) if row not in found[:number]] == rows
        assert native.gaps(thread) == []
