"""What is shown of a core, whole or cut off; with the Python of this machine, a stripped program."""
import json
import os
import resource
import shutil
import signal
import subprocess

import pytest

import cores
import gilspy
from cores import dump, kernel_cores, leave_by_kernel, standing, told  # noqa: F401
from target import until

CUT = "its memory cannot be read"


def wanted(python):
    return python.where == "system"


@pytest.mark.usefixtures("kernel_cores")
def test_kept_nothing(python, folders):
    with standing(python, folders) as target:
        core = leave_by_kernel(target, keep=cores.NOTHING)
        done = gilspy.run("dump", "-c", core)
        assert (done.returncode, done.stdout) in ((1, ""), (5, ""))
        assert done.stderr.startswith("gilspy: cannot read the core " + core + ": ")


@pytest.mark.usefixtures("kernel_cores")
def test_text(python, folders):
    """What is said of a core, and of the thread that died."""
    with standing(python, folders, contend=False) as target:
        core = leave_by_kernel(target, signal.SIGSEGV)
        lines = gilspy.run("dump", "-c", core).stdout.splitlines()
        tid = target.began["tids"]["crasher"]
        assert lines[0].startswith("Core of process %d: %s " % (target.pid, python.path))
        assert lines[1].endswith("; 7 threads")
        assert lines[2] == 'Signal: SIGSEGV (Segmentation fault) in %d "crasher"' % tid
        assert lines[3] == "GIL: free; nobody waits for it"
        assert '○ %d "crasher" without the GIL, was running' % tid in lines
        crasher = gilspy.threads_by_name(dump(core))["crasher"]
        assert (crasher["gil"], crasher["evidence"]) == ("without", "inferred")
        assert [frame["function"] for frame in crasher["frames"]][:1] == ["crash"]


@pytest.mark.usefixtures("kernel_cores")
def test_another_program(python, folders):
    """A file that is not the program is said not to be it, also where it is not needed."""
    with standing(python, folders) as target:
        core = leave_by_kernel(target)
        right, wrong = (gilspy.run("dump", "-c", core, "--exe", path) for path in (os.path.realpath(python.path), "/bin/sh"))
        assert right.stderr == "" and right.returncode == wrong.returncode == 0 and right.stdout == wrong.stdout
        assert wrong.stderr.startswith("gilspy: /bin/sh, which --exe names, was not used: it is not the one that it ran")
        assert gilspy.run("dump", "-q", "-c", core, "--exe", "/bin/sh").stderr == ""


@pytest.mark.usefixtures("kernel_cores")
def test_time_and_locals(python, folders):
    with standing(python, folders) as target:
        core = leave_by_kernel(target)
        os.utime(core, ns=(0, 1234567890123456789))
        document = dump(core, "--locals")
        assert document["time"] == "2009-02-13T23:31:30.123456Z"
        frames = gilspy.threads_by_name(document)["holder"]["frames"]
        assert [frame["locals"]["depth"] for frame in frames if frame["function"] == "deep"] == \
            [str(depth) for depth in range(21)]


@pytest.mark.usefixtures("kernel_cores")
def test_no_python(tmp_path):
    other = subprocess.Popen(["sleep", "1000"], cwd=tmp_path)
    until(lambda: os.path.basename(os.readlink("/proc/%d/exe" % other.pid)) == "sleep", "the program to begin")
    resource.prlimit(other.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    other.send_signal(signal.SIGABRT)
    other.wait(timeout=180)
    core = tmp_path / os.listdir(tmp_path)[0]
    done = gilspy.run("dump", "-c", core)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == "gilspy: cannot read the core %s: process %d (%s) was no CPython process\n" % \
        (core, other.pid, os.path.realpath(shutil.which("sleep")))


def is_part(frame, whole):
    """Names and lines may be missing, none is wrong."""
    return all(frame[key] == whole[key] or frame[key] in ("<unreadable>", None) for key in whole)


def is_cut_from(thread, whole):
    """Its frames are the innermost ones of the whole stack, then a gap, unless they are all."""
    frames, gap = thread["frames"], False
    if len(frames) != len(whole["frames"]) or frames[-1]["kind"] == "gap":
        gap = frames.pop()
        assert gap["kind"] == "gap" and gap["function"] == CUT
    assert all(map(is_part, frames, whole["frames"]))
    return bool(gap)


@pytest.mark.usefixtures("kernel_cores")
def test_cut_off(python, folders):
    """A core of which only the beginning was written: what can be told is right, the rest is said to be missing."""
    with standing(python, folders) as target:
        core = leave_by_kernel(target)
        whole = {thread["tid"]: thread for thread in dump(core)["threads"]}
        size, statuses, cut = os.path.getsize(core), set(), 0
        for step in range(40, 0, -1):
            left = size * step // 41
            os.truncate(core, left)
            done = gilspy.run("dump", "--json", "-c", core)
            statuses.add(done.returncode)
            if done.returncode != 0:
                assert done.returncode in (1, 5) and done.stdout == "" and " cut off" in done.stderr
                continue
            assert "gilspy: the core is cut off: it has %d of %d bytes\n" % (left, size) in done.stderr
            for thread in json.loads(done.stdout)["threads"]:
                cut += is_cut_from(thread, whole[thread["tid"]])
        assert 0 in statuses and statuses & {1, 5} and cut > 0
        for left in (0, 1, 63, 64, 100, 4095, 4096):
            os.truncate(core, left)
            done = gilspy.run("dump", "-c", core)
            assert done.returncode == 1 and done.stderr.startswith("gilspy: cannot read the core " + core + ": it is")


@pytest.mark.usefixtures("kernel_cores")
def test_program_moved(python, folders):
    """--exe tells where it is now; another program is refused."""
    here = os.path.join(folders.of(python), "python-here")
    there = os.path.join(folders.of(python), "python-there")
    shutil.copy(os.path.realpath(python.path), here)
    with standing(python, folders, path=here, env={"PYTHONHOME": "/usr"}) as target:
        live = gilspy.dump(target.pid)
        core = leave_by_kernel(target)
        os.rename(here, there)
        missing = gilspy.run("dump", "-c", core)
        assert here + " is missing" in missing.stdout + missing.stderr
        assert told(dump(core, "--exe", there)) == told(live)
        other = gilspy.run("dump", "-c", core, "--exe", gilspy.PROGRAM)
        assert gilspy.PROGRAM + " is not the one that it ran: build id differs" in other.stdout + other.stderr
        gone = gilspy.run("dump", "-c", core, "--exe", here)
        assert (gone.returncode, gone.stderr) == \
            (1, "gilspy: cannot read the program %s: No such file or directory\n" % here)


@pytest.mark.usefixtures("kernel_cores")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_another_user(python, folders, program):
    """Whoever can read the file can look into it; who cannot is told so."""
    with standing(python, folders) as target:
        live = gilspy.dump(target.pid)
        core = leave_by_kernel(target)
        wrap = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        os.chmod(target.folder, 0o755)
        done = gilspy.run("dump", "-c", core, wrap=wrap, program=program)
        assert (done.returncode, done.stderr) == (1, "gilspy: cannot read the core %s: Permission denied\n" % core)
        os.chmod(core, 0o644)
        done = gilspy.run("dump", "--json", "-c", core, wrap=wrap, program=program)
        assert done.returncode == 0 and told(json.loads(done.stdout)) == told(live)
