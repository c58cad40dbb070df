"""However it ends, nothing is left of a run: no child, no zombie, no descriptor, no thread."""
import contextlib
import gc
import os
import select
import signal
import subprocess
import sys
import threading
import time

import pytest

import gilspy
from work import Spinning, children, count, own

SECONDS = 60  # that nothing here takes
BEGIN = """
import os, signal, sys, threading
import gilspy
run = gilspy.%s()
run.start()
print(run._child.pid, flush=True)
os.read(0, 1)
"""
ENDS = {
    "killed": "signal.pause()",
    "killed while a child of fork lives": "if os.fork() == 0:\n    os.close(1); os.read(0, 1); os._exit(0)\nsignal.pause()",
    "killed while a program that it started lives":
        "import subprocess\nsubprocess.Popen(['cat'], close_fds=False, stdout=subprocess.DEVNULL)\nsignal.pause()",
    "exits": "",
    "exits at once": "os._exit(0)",
    "fails": "raise RuntimeError",
    "runs another program": "os.execv('/bin/cat', ['cat'])",
    "runs another Python": "os.execv(sys.executable, [sys.executable, '-c', 'input()'])",
    "becomes a daemon": "if os.fork():\n    os._exit(0)\nos.setsid()\nif os.fork():\n    os._exit(0)\nos.close(1)\nos.read(0, 1)",
    "aborts": "os.abort()",
}


@contextlib.contextmanager
def watched_parent(what, then):
    """A process that watches itself, and a descriptor that can be read when its child is gone."""
    with subprocess.Popen([sys.executable, "-c", BEGIN % what + then], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as parent:
        child = os.pidfd_open(int(parent.stdout.readline()))
        os.write(parent.stdin.fileno(), b"\n")
        try:
            yield parent, child
        finally:
            os.close(child)
            parent.kill()


def is_over(child):
    return bool(select.select([child], [], [], SECONDS)[0])


@pytest.mark.parametrize("what", ["record", "stat"])
@pytest.mark.parametrize("how", ENDS)
def test_the_child_goes_when_its_parent(how, what):
    with watched_parent(what, ENDS[how]) as (parent, child):
        if how.startswith("killed"):
            parent.kill()
        assert is_over(child)


def test_a_parent_that_ends_has_waited_for_it():
    """At the end of the interpreter the child is reaped: nobody else has to."""
    with watched_parent("stat", "print('over', flush=True)") as (parent, child):
        parent.stdout.readline()
        parent.wait(SECONDS)
        assert select.select([child], [], [], 0)[0]


@pytest.mark.parametrize("cycles", [50, pytest.param(1000, marks=pytest.mark.long)])
def test_many_runs(cycles):
    before = own()
    knocker = gilspy.KnockKnock()
    for _ in range(cycles):
        knocker.start()
        knocker.stop()
        assert children() == []
    gc.collect()
    assert own() == before


@pytest.mark.parametrize("cycles", [10, pytest.param(300, marks=pytest.mark.long)])
def test_many_recordings(cycles):
    before = own()
    for _ in range(cycles):
        with gilspy.record() as run:
            pass
        assert run.result.run.samples > 0
    del run
    gc.collect()
    assert own() == before


def test_a_run_that_is_forgotten():
    run = gilspy.record()
    run.start()
    assert len(children()) == 1
    del run
    gc.collect()
    assert children() == []


def test_a_run_goes_on_when_the_thread_ends_that_began_it():
    run = gilspy.stat()
    thread = threading.Thread(target=run.start)
    thread.start()
    thread.join()
    with Spinning(1):
        count(500_000)
        assert run.now().gil.held > 0.5
        run.stop()


def test_a_child_of_fork_has_none_of_it():
    """It neither asks nor ends what the parent has begun, and can begin its own."""
    knocker = gilspy.KnockKnock()
    knocker.start()
    with gilspy.stat() as run:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                assert not knocker.is_running and knocker.contention_metric == 0.0
                for ask in (run.now, run.stop):
                    with pytest.raises(gilspy.Error):
                        ask()
                del run
                gc.collect()
                knocker.start()
                assert knocker.is_running and len(children()) == 1
                knocker.stop()
                with gilspy.record() as mine:
                    pass
                assert mine.result.run.pid == os.getpid()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0
        assert run.now().pid == os.getpid()
    assert knocker.is_running
    knocker.stop()


def test_forks_while_runs_begin_and_end():
    """The socket of a run that begins is nobody else's."""
    over = threading.Event()

    def begin_and_end():
        while not over.is_set():
            with gilspy.stat():
                pass

    thread = threading.Thread(target=begin_and_end)
    thread.start()
    for _ in range(30):
        pid = os.fork()
        if pid == 0:
            links = [os.readlink("/proc/self/fd/" + fd) for fd in os.listdir("/proc/self/fd") if fd != "0"
                     and os.path.lexists("/proc/self/fd/" + fd)]
            os._exit(any(link.startswith("socket:") for link in links))
        assert os.waitpid(pid, 0)[1] == 0
    over.set()
    thread.join()


@pytest.mark.parametrize("ignored", [[signal.SIGTERM, signal.SIGINT, signal.SIGHUP], [signal.SIGCHLD]], ids=["ends", "child"])
def test_signals_that_are_ignored(ignored):
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in ignored]
    try:
        with gilspy.stat() as run:
            count(1000)
        assert run.result.pid == os.getpid()
        with pytest.raises(gilspy.Error, match="there is no process"):
            gilspy.dump(2 ** 22 - 1)
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def test_signals_that_are_blocked():
    old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})
    try:
        with gilspy.record() as run:
            count(1000)
        assert run.result.run.samples > 0
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def test_ctrl_c_is_this_process_s_own():
    """A terminal sends it to the group: the run goes on until its block ends."""
    script = """
import os, signal
os.setsid()
import gilspy
signal.signal(signal.SIGINT, lambda *_: None)
with gilspy.stat() as run:
    os.killpg(0, signal.SIGINT)
    run.now(); run.now()
print(run.result.pid == os.getpid())
"""
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "True\n"


def test_a_daemon_without_descriptors():
    script = """
import os, sys
for fd in (0, 1, 2): os.close(fd)
import gilspy
with gilspy.stat() as stat: pass
with gilspy.record() as run: pass
ok = stat.result.pid == run.result.run.pid == os.getpid() and gilspy.dump().process.pid == os.getpid()
os._exit(0 if ok else 1)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_a_child_that_is_killed():
    """As the kernel does that lacks memory."""
    knocker = gilspy.KnockKnock()
    knocker.start()
    run = gilspy.stat()
    run.start()
    for pid in children():
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(gilspy.Error):
        run.stop()
    knocker.stop()
    assert not knocker.is_running and children() == []


def test_a_child_that_does_not_answer():
    knocker = gilspy.KnockKnock(timeout_micros=20000)
    knocker.start()
    pid = children()[0]
    os.kill(pid, signal.SIGSTOP)
    while "T (stopped)" not in open("/proc/%d/status" % pid).read():
        time.sleep(0.001)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            knocker.contention_metric
    os.kill(pid, signal.SIGCONT)
    knocker._timeout = SECONDS
    count(100_000)
    knocker.contention_metric  # has what was asked for then
    late = knocker._seconds
    knocker.contention_metric
    assert knocker._seconds > late > 0
    knocker.stop()
    assert children() == []
