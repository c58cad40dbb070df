"""Cores: targets that leave them, made by the kernel and by gcore."""
import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile

import pytest

import gilspy
from target import FUTEX, running, until

PATTERN = "/proc/sys/kernel/core_pattern"
PIPES = ("hold", "gate", "turn-0", "turn-1", "crash")
VICTIMS = {"victim-0": "turn-0", "victim-1": "turn-1"}
LOST, VSYSCALL = "Memory read failed for corefile section", "0xffffffffff600000"
DEFAULT, ALL, NO_FILES, NOTHING = "0x33", "0x7f", "0x23", "0x0"  # what /proc/PID/coredump_filter may say


@pytest.fixture(scope="session")
def kernel_cores():
    """Lets the kernel write cores to the folder that a process is in, where it did not."""
    with open(PATTERN) as file:
        before = file.read()
    if "|" not in before and "/" not in before:
        yield
        return
    try:
        with open(PATTERN, "w") as file:
            file.write("core\n")
    except OSError as why:
        pytest.skip("the kernel's cores go elsewhere (%s), and that cannot be changed: %s" % (before.strip(), why))
    yield
    with open(PATTERN, "w") as file:
        file.write(before)


@contextlib.contextmanager
def folder_for(python, folders):
    """A folder for a core, as seen from here."""
    folder = tempfile.mkdtemp(prefix="core-", dir=folders.of(python))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def standing(python, folders, contend=True, **options):
    """A target whose threads stand still; with `contend` one holds the GIL and two wait for it."""
    options["env"] = {"MALLOC_ARENA_MAX": "1", **options.get("env", {})}
    with folder_for(python, folders) as folder:
        with running(python, folders, "cores.py", python.inside(folder), pipes=PIPES, **options) as target:
            target.folder = folder
            tids = target.began["tids"]
            until(lambda: all(target.call_of(tid) for tid in tids.values()), "all threads to sleep")
            for name, pipe in [("holder", "hold"), ("crasher", "crash"), *VICTIMS.items()]:
                target.wait_reading(tids[name], pipe)
            target.wait_idle()
            if contend:
                target.feed("hold")
                target.wait_reading(tids["holder"], "gate")
                for name, pipe in VICTIMS.items():
                    target.feed(pipe)
                    if python.has_gil:
                        target.wait_calling(tids[name], FUTEX)
                until(lambda: settled(target), "the waiters to ask for the GIL")
            yield target


def settled(target):
    """The holder was asked to let go; that is repeated, and changes nothing any more."""
    gil = gilspy.dump(target.pid)["interpreters"][0]["gil"]
    return gil["drop_requested"] in (True, None) or gil["state"] == "disabled"


def leave_by_kernel(target, how=signal.SIGABRT, keep=DEFAULT):
    """Ends the target by a signal; the path of its core."""
    until(lambda: not os.listdir(target.folder), "an empty folder")
    resource.prlimit(target.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with open("/proc/%d/coredump_filter" % target.pid, "w") as file:
        file.write(keep)
    if how == signal.SIGSEGV:
        target.feed("crash")
    else:
        os.kill(target.pid, how)
    target.process.wait(timeout=180)
    names = os.listdir(target.folder)
    assert len(names) == 1, "the kernel left no core: status %d" % target.process.returncode
    return os.path.join(target.folder, names[0])


def leave_by_gcore(target, keep=DEFAULT):
    """The target runs on."""
    with open("/proc/%d/coredump_filter" % target.pid, "w") as file:
        file.write(keep)
    path = os.path.join(target.folder, "gcore")
    done = subprocess.run(["gcore", "-o", path, str(target.pid)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=120, text=True)
    path += ".%d" % target.pid
    assert done.returncode == 0 and os.path.exists(path), done.stdout
    lost = [line for line in done.stdout.splitlines() if LOST in line and VSYSCALL not in line]
    if lost:
        pytest.skip("this gdb keeps no stacks that have guard pages in them: " + lost[0])
    return path


def dump(core, *args, said=""):
    """The JSON of a core's dump; said: what stands on stderr."""
    done = gilspy.run("dump", "--json", "-c", core, *args)
    assert done.returncode == 0, done.stderr
    assert (said in done.stderr) if said else done.stderr == ""
    document = json.loads(done.stdout)
    gilspy.check(document)
    assert all(thread["runnable"] is None and thread["syscall"] is None for thread in document["threads"])
    return document


def where(python):
    """What tells where its files are: the kernel notes them as the process saw them."""
    return ["--exe", python.path] if python.root else []


def told(document):
    """What must be the same of a process and of its core."""
    threads = [{key: thread[key] for key in gilspy.THREAD - {"runnable", "syscall"}} for thread in document["threads"]]
    process = {key: document["process"][key] for key in ("pid", "ns_pid", "command", "python", "build", "layout")}
    return {"threads": threads, "interpreters": document["interpreters"], "process": process}


def check_truth(python, target, document):
    """Against what the target said, not against another dump."""
    threads = gilspy.threads_by_name(document)
    assert {name: thread["tid"] for name, thread in threads.items()} == target.began["tids"]
    assert {name: thread["ident"] for name, thread in threads.items()} == target.began["idents"]
    assert [thread["name"] for thread in document["threads"] if thread["main"]] == ["MainThread"]
    gil, words = document["interpreters"][0]["gil"], {name: thread["gil"] for name, thread in threads.items()}
    if python.has_gil:
        assert gil["state"] == "held" and gil["holder"] == target.began["tids"]["holder"]
        assert sorted(gil["waiters"]) == sorted(target.began["tids"][name] for name in VICTIMS)
        assert {name for name, word in words.items() if word == "without"} == set(words) - set(VICTIMS) - {"holder"}
        assert threads["holder"]["evidence"] == "exact"
    else:
        assert gil["state"] == "disabled" and set(words.values()) == {"none"}
    functions = [frame["function"] for frame in threads["holder"]["frames"]]
    assert functions[:2] == ["wait_holding", "hold"] and functions.count("deep") == 21
    assert [frame["function"] for frame in threads["victim-0"]["frames"]][:2] == ["wait", "take_turns"]
