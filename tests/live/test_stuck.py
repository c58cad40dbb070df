"""Targets on which whoever asks the kernel may wait for ever: the rest is told all the same, and what is missing is
named."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

import gilspy
import pythons
from cores import kernel_cores, leave_by_gcore, leave_by_kernel, standing  # noqa: F401
from recording import samples
from target import running, until


@pytest.fixture(autouse=True)
def no_leak_search(monkeypatch):
    """The search of a build with sanitizers would wait for the threads that are left behind."""
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")


def modern(python):
    """Code objects can be made with other names from 3.8 on."""
    return python.at_least >= (3, 8)


def modern_few(python):
    return python.at_least in ((3, 8), (3, 14))


def codes_apart(python):
    """Only from 3.11 on a code object has pages of its own; the others are the same."""
    return python.at_least in ((3, 11), (3, 14))


def shared(python):
    """Whose library is a file of its own: a few."""
    return python.library and python.at_least in ((2, 7), (3, 6), (3, 12))


def is_mapped(target, text):
    with open("/proc/%d/maps" % target.pid) as file:
        return text in file.read()


def wait_asleep(target):
    for tid in target.began["tids"].values():
        target.wait_reading(tid, "stdin" if tid == target.pid else "begin")


def functions(thread):
    return [frame["function"] for frame in thread["frames"] if frame["kind"] == "python"]


@pytest.mark.pythons(fits=modern_few)
@pytest.mark.slow
def test_pages_that_never_come(python, folders):
    with running(python, folders, "stuck.py", "names", "values", pipes=("begin",)) as target:
        wait_asleep(target)
        done = gilspy.run("dump", "--json", "-l", "-p", target.pid)
        assert done.returncode == 0
        missing = [line for line in done.stderr.splitlines()]
        assert missing and all(line.startswith("gilspy: the kernel does not answer: process %d, reading its memory at 0x"
                                               % target.pid) for line in missing)
        assert "gilspy waits in handle_userfault" in missing[0]
        threads = gilspy.threads_by_name(json.loads(done.stdout))
        lost, value = threads["lost"]["frames"], threads["value"]["frames"]
        # Only the name is missing; the frames around it, and the other threads, are whole.
        assert [frame["function"] for frame in lost[:3]] == ["wait", "body", "run"]
        assert lost[1]["file"] == "<unreadable>" and lost[2]["file"].endswith("common.py")
        assert value[1]["function"] == "hold_value" and value[1]["locals"] == {"value": "<unreadable>"}
        assert value[2]["locals"]["name"] == "'value'"
        assert functions(threads["MainThread"])[-1] == "<module>"
        listed = gilspy.run("ps", "--json", "-p", target.pid)
        row, = json.loads(listed.stdout)["processes"]
        assert (listed.returncode, row["watchable"], row["gil"]) == (0, True, python.free)


@pytest.mark.pythons(fits=lambda python: python.at_least in ((3, 8), (3, 14)))
@pytest.mark.slow
def test_pages_that_never_come_of_one_of_many(python, folders):
    """The others are there all the same, and so is what could be read of it."""
    with running(python, folders, "stuck.py", "names", pipes=("begin",)) as target, \
            running(python, folders, "stuck.py", pipes=("begin",)) as other:
        wait_asleep(target)
        wait_asleep(other)
        done = gilspy.run("dump", "--merge", "--json", "-p", "%d,%d" % (target.pid, other.pid))
        assert done.returncode == 0
        assert done.stderr.startswith("gilspy: the kernel does not answer: process %d, reading its memory" % target.pid)
    document = json.loads(done.stdout)
    assert (document["processes"], document["failed"]) == (2, [])
    assert {pid for stack in document["stacks"] for pid in stack["pids"]} == {target.pid, other.pid}
    lost = [stack for stack in document["stacks"] if "<unreadable>" in [frame["file"] for frame in stack["frames"]]]
    assert [stack["pids"] for stack in lost] == [[target.pid]]


@pytest.mark.pythons(fits=lambda python: python.at_least in ((3, 8), (3, 14)))
@pytest.mark.slow
def test_recording_goes_on(python, folders, tmp_path):
    """What cannot be read is a gap or unknown in each sample; the rest is sampled all the time."""
    with running(python, folders, "stuck.py", "names", pipes=("begin",)) as target:
        wait_asleep(target)
        done = gilspy.run("record", "-q", "-j", "-p", target.pid, "-r", 100, "-d", "5s", "-o", tmp_path / "run.gilspy")
        assert done.returncode == 0 and "gilspy: the kernel does not answer: process %d" % target.pid in done.stderr
        assert json.loads(done.stdout)["samples"] > 0
    seen = list(samples(tmp_path / "run.gilspy"))
    assert seen
    for _, _, threads in seen:
        assert threads["MainThread"]["stack"][-1]["fn"] == "<module>"
        assert [frame["fn"] for frame in threads["lost"]["stack"][:3]] == ["wait", "body", "run"]


@pytest.mark.pythons(fits=codes_apart)
@pytest.mark.slow
def test_code_that_never_comes(python, folders):
    """The stack ends there, and that is said: it is not the memory that makes no sense."""
    with running(python, folders, "stuck.py", "codes", pipes=("begin",)) as target:
        wait_asleep(target)
        done = gilspy.run("dump", "--json", "-p", target.pid)
        assert done.returncode == 0
        frames = gilspy.threads_by_name(json.loads(done.stdout))["code"]["frames"]
        assert [frame["function"] for frame in frames[:-1]] == ["wait", "<lambda>"]
        assert (frames[-1]["kind"], frames[-1]["function"]) == ("gap", "its memory cannot be read")


@pytest.fixture
def shared_library(python):
    return os.path.realpath(python.library)


def check_whole(python, target):
    """The dump of a target that waits for orders, whatever became of its library."""
    done = gilspy.run("dump", "--json", "-p", target.pid)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["process"]["python"] == python.version
    assert functions(gilspy.threads_by_name(document)["value"])[-1] in ("_bootstrap", "__bootstrap")
    return done


@pytest.mark.pythons(fits=shared)
def test_library_behind_a_fifo(python, folders, shared_library, tmp_path):
    """It was moved away, and nobody will ever write to what stands there now."""
    copy = shutil.copy(shared_library, tmp_path / os.path.basename(shared_library))
    with running(python, folders, "stuck.py", pipes=("begin",), env={"LD_LIBRARY_PATH": str(tmp_path)}) as target:
        wait_asleep(target)
        assert is_mapped(target, str(copy))
        os.unlink(copy)
        os.mkfifo(copy)
        assert check_whole(python, target).stderr == ""
        # Whoever may not use map_files has only the path, and so the FIFO.
        unprivileged = ["setpriv", "--bounding-set=-sys_admin,-checkpoint_restore"]
        done = gilspy.run("dump", "--json", "-p", target.pid, wrap=unprivileged)
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["process"]["python"] == python.version


@contextlib.contextmanager
def mirrored(tmp_path):
    """(a folder, where it is mounted, the process that serves it)"""
    if not os.path.exists("/dev/fuse"):
        pytest.skip("no FUSE here")
    behind, mount = tmp_path / "behind", tmp_path / "mount"
    behind.mkdir()
    mount.mkdir()
    served = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mirror.py")
    server = subprocess.Popen(["/usr/bin/python3", "-B", served, str(behind), str(mount)], stderr=subprocess.PIPE)
    try:
        until(lambda: os.path.ismount(mount) or server.poll() is not None, "the mount")
        assert server.poll() is None, server.stderr.read()
        yield behind, mount, server
    finally:
        server.send_signal(signal.SIGCONT)
        subprocess.run(["umount", "-l", str(mount)], check=True)
        server.kill()
        server.wait()
        server.stderr.close()


@pytest.mark.pythons(fits=shared)
@pytest.mark.slow
def test_library_on_a_dead_mount(python, folders, shared_library, tmp_path):
    with mirrored(tmp_path) as (behind, mount, server):
        shutil.copy(shared_library, behind)
        with running(python, folders, "stuck.py", pipes=("begin",), env={"LD_LIBRARY_PATH": str(mount)}) as target:
            wait_asleep(target)
            assert is_mapped(target, str(mount))
            server.send_signal(signal.SIGSTOP)
            try:
                done = check_whole(python, target)
                for line in done.stderr.splitlines():
                    assert line.startswith("gilspy: the kernel does not answer: "), line
                if python.at_least < (3, 7):  # these have symbols that only the file knows
                    assert "%s/" % mount in done.stderr
                doctor = gilspy.run("doctor", "--json", "-p", target.pid)
                assert (doctor.returncode, doctor.stderr) == (0, "")
                checks = json.loads(doctor.stdout)["checks"]
                library, = (check for check in checks if check["name"] == "process_library")
                assert not library["ok"]
                assert library["text"].startswith("the kernel does not answer: opening %s/" % mount)
            finally:
                server.send_signal(signal.SIGCONT)


@pytest.mark.slow
def test_core_on_a_dead_mount(folders, tmp_path):
    """Nothing can be done without it, but that is said."""
    python = pythons.Python("/usr/bin/python3", "", "system")
    with mirrored(tmp_path) as (behind, mount, server):
        with standing(python, folders, contend=False) as target:
            shutil.copy(leave_by_gcore(target), behind / "core")
            assert gilspy.run("dump", "-c", mount / "core").returncode == 0
            server.send_signal(signal.SIGSTOP)
            done = gilspy.run("dump", "-c", mount / "core")
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr == "gilspy: the kernel does not answer: opening or reading the core %s/core\n" % mount


@pytest.mark.pythons(fits=shared)
@pytest.mark.usefixtures("kernel_cores")
def test_files_of_a_core_on_a_dead_mount(python, folders, shared_library, tmp_path):
    """What needs only the core is told; which file is missing is named."""
    with mirrored(tmp_path) as (behind, mount, server):
        shutil.copy(shared_library, behind)
        with standing(python, folders, contend=False, env={"LD_LIBRARY_PATH": str(mount)}) as target:
            core = leave_by_kernel(target)
            server.send_signal(signal.SIGSTOP)
            done = gilspy.run("dump", "--json", "-c", core)
            assert done.returncode in (0, 5)  # it may be found without
            path = "%s/%s" % (mount, os.path.basename(shared_library))
            assert "%s does not answer" % path in done.stderr


@pytest.mark.pythons(fits=modern)
def test_state_d(python, folders):
    """A parent of vfork waits uninterruptibly until its child runs a program: here it holds the GIL meanwhile."""
    with running(python, folders, "states.py", "idle", pipes=("begin",)) as target:
        fifo = os.path.join(folders.of(python), "fifo-%d" % target.pid)
        target.wait_idle()
        target.tell("vfork", python.inside(fifo))
        until(lambda: target.state()[0] == "D", "the main thread to wait for its child")
        try:
            done = gilspy.run("dump", "--json", "-p", target.pid)
            assert (done.returncode, done.stderr) == (0, "")
            document = json.loads(done.stdout)
            main = document["threads"][0]
            assert functions(main)[0] == "vfork"
            assert main["gil"] == ("holds" if python.has_gil else "none") and main["runnable"] is False
            listed = gilspy.run("ps", "--json", "-p", target.pid)
            row, = json.loads(listed.stdout)["processes"]
            assert row["watchable"] and row["holder"] == (target.pid if python.has_gil else None)
            child, = [int(pid) for pid in open("/proc/%d/task/%d/children" % (target.pid, target.pid)).read().split()]
            done = gilspy.run("dump", "-p", child)
            assert done.returncode == 5 and done.stdout == ""
            assert "its memory is that of process %d, which waits for it. Look at process %d" % (target.pid, target.pid) \
                in done.stderr
            family = gilspy.run("dump", "-s", "--json", "-p", target.pid)
            assert family.returncode == 0
            assert [one["process"]["pid"] for one in json.loads(family.stdout)["processes"]] == [target.pid]
        finally:
            os.close(os.open(fifo, os.O_WRONLY))
        assert target.listen() == {"answer": None}


@pytest.mark.pythons(fits=modern_few)
@pytest.mark.parametrize("words", [["record", "-o", "/dev/null", "-f", "folded"], ["stat"]], ids=["record", "stat"])
def test_stopped_is_told(python, folders, words):
    """Figures and samples of a process that does nothing because it is stopped say so."""
    with running(python, folders, "states.py", "idle", pipes=["begin"]) as target:
        os.kill(target.pid, signal.SIGSTOP)
        until(lambda: target.state()[0] == "T", "it to stop")
        done = gilspy.run(*words, "-d", "1", "-p", target.pid)
        os.kill(target.pid, signal.SIGCONT)
        assert done.returncode == 0
        assert "process %d is stopped by a signal" % target.pid in done.stderr
        assert "process %d was stopped by a signal for " % target.pid in done.stderr


def test_stopped_and_traced(python, folders):
    """A stopped process is read as any other; who traces it is named."""
    with running(python, folders, "states.py", "spin", pipes=("begin",)) as target:
        os.kill(target.pid, signal.SIGSTOP)
        until(lambda: target.state()[0] == "T", "it to stop")
        done = gilspy.run("dump", "-p", target.pid)
        assert (done.returncode, done.stderr) == (0, "")
        assert "The process is stopped by a signal; kill -CONT %d lets it go on\n" % target.pid in done.stdout
        os.kill(target.pid, signal.SIGCONT)
        tracer = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-e", "trace=none", "-p", str(target.pid)])
        try:
            until(lambda: target.state()[1] == tracer.pid and target.state()[0] in "RS", "it to be traced")
            done = gilspy.run("dump", "-p", target.pid)
            # It may meet the moment in which strace holds it.
            assert re.search(r"\nThe process is (traced|held) by process %d, strace[:\n]" % tracer.pid, done.stdout)
            done = gilspy.run("dump", "--json", "-b", "-p", target.pid)
            assert (done.returncode, done.stderr) == (0, "")
            document = json.loads(done.stdout)
            assert "spin" in functions(gilspy.threads_by_name(document)["worker"])
        finally:
            tracer.terminate()
            tracer.wait()
