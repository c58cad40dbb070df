"""Exact tracing does no harm: a trap without a reason, which some hypervisors make of a watched store, does not reach the
process; everything else does, as it was sent; and whoever is killed, the process goes on."""
import ctypes
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time

import pytest

import barriers
import gilspy
from target import RECVFROM, RT_TGSIGQUEUEINFO, AsNobody, running, until
from tracing import begun, few, guard_of, has_watches, is_tracing, measuring, tracing

SI_QUEUE = -1
SIGNALS = 20000
PTRACE_SEIZE = 0x4206
KILLS = 15
STEPS = 14

pytestmark = pytest.mark.usefixtures("watchable", "with_gil")
wanted = few


@pytest.fixture
def target(python, folders):
    with running(python, folders, "guarded.py", pipes=["call", "stray", "spin"]) as target:
        target.wait_idle()
        yield target


def threads_of(target):
    return [int(tid) for tid in os.listdir("/proc/%d/task" % target.pid)]


def check_free(target):
    until(lambda: all(target.state(tid)[1] == 0 for tid in threads_of(target)), "the tracer to let go")
    assert all(target.state(tid)[0] in "SR" for tid in threads_of(target))
    assert target.ask("ping")["answer"] == "pong"


def call_number(pid):
    with open("/proc/%d/syscall" % pid) as file:
        return file.read().split()[0]


def call(target):
    target.feed("call")
    target.wait_reading(target.began["tids"]["call"], "call")


def test_a_trap_without_a_reason(target):
    """It ends a process that nobody guards. Each is an event that was lost."""
    tid = target.began["tids"]["stray"]
    with measuring(target.pid, "--max-overhead", "off", "--interval", "20ms") as document:
        for _ in range(3):
            call(target)
            target.feed("stray")
            target.wait_reading(tid, "stray")
            assert target.ask("stray")["answer"] is None
    check_free(target)
    assert sum(line["events_lost"] for line in document["lines"]) == 6
    assert "at least 6 events were lost" in document["said"]
    assert document["method"] == "windows" and "events were lost" in document["method_why"]
    assert all(line["method"] == "windows" for line in document["lines"] if line["events_lost"])
    assert sum(line["exact_seconds"] for line in document["lines"]) < sum(line["seconds"] for line in document["lines"])
    if not document["lines"][0]["python"].startswith("2.7"):  # whose events do not say what became of the lock
        assert all(line["violations"] == 0 for line in document["lines"])


def test_a_trap_after_the_last_look(target):
    """Of a store that was done before the end: it is counted, too."""
    with measuring(target.pid, "--max-overhead", "off") as document:
        guard = guard_of(document["of"])
        target.ask("hold_traps", 0)
        target.ask("stray")
        os.kill(document["of"], signal.SIGINT)
        until(lambda: not has_watches(guard), "the watches to be closed")
        target.ask("hold_traps", 1)
    assert document["events_lost"] == 1 and document["method"] == "windows"
    assert "at least 1 events were lost" in document["said"]
    check_free(target)


def test_traps_that_are_meant(target):
    target.ask("handle_traps")
    before = [target.ask(word) and target.ask("counts")["answer"]["traps"] for word in ("int3", "raise_trap", "int1")]
    with measuring(target.pid, "--max-overhead", "off") as document:
        during = [target.ask(word) and target.ask("counts")["answer"]["traps"] for word in ("int3", "raise_trap", "int1")]
        call(target)
    assert [count - before[-1] for count in during] == before
    assert before[:2] == [1, 2] and (document["events_lost"], document["method"]) == (0, "exact")
    check_free(target)


def queue(pid, tid, number, value):
    libc = ctypes.CDLL(None, use_errno=True)
    info = ctypes.create_string_buffer(struct.pack("<iiiiiii", number, 0, SI_QUEUE, 0, os.getpid(), os.getuid(), value),
                                       128)
    until(lambda: libc.syscall(RT_TGSIGQUEUEINFO, pid, tid, number, info) == 0, "room for a signal")


def test_signals(target):
    """Each comes, with what it was sent with, in the order in which they were sent."""
    target.ask("keep_values", signal.SIGRTMIN + 5)
    with measuring(target.pid, "--max-overhead", "off") as document:
        for value in range(SIGNALS):
            queue(target.pid, target.pid, signal.SIGRTMIN + 5, value)
        assert target.ask("values")["answer"] == list(range(SIGNALS))
    assert document["events_lost"] == 0
    check_free(target)


def test_stop_and_go_on(target):
    """Its parent is told of both, and it stands still between."""
    target.ask("lead")  # SIGTSTP is nothing in a process group that nobody of the session looks after (setsid, cron)
    with measuring(target.pid, "--max-overhead", "off") as document:
        for number in signal.SIGSTOP, signal.SIGTSTP:
            os.kill(target.pid, number)
            pid, status = os.waitpid(target.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == number
            target.feed("call")
            target.tell("ping")
            os.kill(target.pid, signal.SIGCONT)
            pid, status = os.waitpid(target.pid, os.WCONTINUED)
            assert os.WIFCONTINUED(status)
            assert target.listen()["answer"] == "pong"
            target.wait_reading(target.began["tids"]["call"], "call")
    assert document["events_lost"] == 0
    check_free(target)


def test_it_is_let_go_while_it_stands_still(target):
    with measuring(target.pid, "--max-overhead", "off"):
        os.kill(target.pid, signal.SIGSTOP)
        os.waitpid(target.pid, os.WUNTRACED)
    until(lambda: all(target.state(tid) == ("T", 0) for tid in threads_of(target)), "the tracer to let go")
    os.kill(target.pid, signal.SIGCONT)
    check_free(target)


def test_it_stood_still_before(target):
    os.kill(target.pid, signal.SIGSTOP)
    os.waitpid(target.pid, os.WUNTRACED)
    with measuring(target.pid, "--max-overhead", "off"):
        os.kill(target.pid, signal.SIGCONT)
        call(target)
    check_free(target)


def test_children(target):
    """They have neither tracer nor watch, and their ends are told to the process."""
    with measuring(target.pid, "--max-overhead", "off") as document:
        assert target.ask("fork")["answer"] == [0, 0]
        assert target.ask("spawn")["answer"] == 0
    assert (document["events_lost"], document["violations"]) == (0, 0)
    check_free(target)


@pytest.mark.slow
def test_births(target):
    """A thread after the other, each of which is guarded from its birth on."""
    with measuring(target.pid, "--max-overhead", "off") as document:
        target.ask("bear", 2000)
        assert target.ask("counts")["answer"]["births"] == 2000
    assert len(document["threads"]) < 600
    assert (document["events_lost"], document["violations"]) == (0, 0)
    check_free(target)


def test_a_birth_that_nobody_is_told_of(target):
    with measuring(target.pid, "--max-overhead", "off") as document:
        guard = guard_of(document["of"])
        tid = target.ask("clone_untraced")["answer"]
        until(lambda: target.state(tid)[1] == guard, "the guard to find it")
    check_free(target)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may trace another user's process")
def test_births_of_another_user(python, folders):
    """They are kept by a guard that may not send them signals: CAP_SYS_PTRACE is all that it was given."""
    if python.root or "/root/" in python.path:
        pytest.skip("this Python is root's alone")
    with running(python, folders, "guarded.py", kind=AsNobody, pipes=["call", "stray", "spin"]) as target:
        target.wait_idle()
        with measuring(target.pid, "--max-overhead", "off", wrap=barriers.WITHOUT_KILL) as document:
            assert target.ask("bear_stray")["answer"] == guard_of(document["of"])
        assert document["events_lost"] == 1
        check_free(target)


def test_the_main_thread_ends(target):
    with begun("stat", "--exact", "-p", target.pid, "-d", "1h", "--max-overhead", "off") as run:
        target.ask("leave")
        until(lambda: target.state()[0] == "Z", "the main thread to end")
        call(target)
        target.feed("stray")
        target.wait_reading(target.began["tids"]["stray"], "stray")
        run.process.send_signal(signal.SIGINT)
        run.process.communicate(timeout=60)
    until(lambda: target.state(target.began["tids"]["call"])[1] == 0, "the tracer to let go")
    call(target)


@pytest.mark.parametrize("end, status", [(lambda target: target.tell("end", 7), 7),
                                         (lambda target: os.kill(target.pid, signal.SIGTERM), -signal.SIGTERM)])
def test_it_ends(target, end, status):
    """Its parent gets its status."""
    with begun("stat", "--exact", "-p", target.pid, "-d", "1h", "--max-overhead", "off") as run:
        end(target)
        assert target.process.wait(60) == status
        run.wait()


def test_it_runs_another_program(target):
    with begun("stat", "--exact", "-p", target.pid, "-d", "1h", "--max-overhead", "off") as run:
        target.tell("become", "/bin/sleep", "60")
        run.wait()
    until(lambda: target.state() == ("S", 0), "nobody to trace it")
    assert threads_of(target) == [target.pid]


@pytest.mark.parametrize("whom", ["gilspy", "guard", "both"])
@pytest.mark.slow
def test_killed(target, whom):
    """At any moment: while it is set up, while it traces, while the process gets signals."""
    dice = random.Random(whom)
    target.ask("keep_values", signal.SIGRTMIN + 5)
    for value in range(KILLS):
        process = subprocess.Popen([gilspy.PROGRAM, "stat", "--exact", "-d", "1h", "--max-overhead", "off", "-p",
                                    str(target.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        guard = None
        if whom != "gilspy":
            guard = until(lambda: process.poll() is not None or guard_of(process.pid), "the guard")
        time.sleep(dice.random() * 0.1)  # a moment like any other
        queue(target.pid, target.pid, signal.SIGRTMIN + 5, value)
        if guard:
            os.kill(guard, signal.SIGKILL)
        # whose guard is killed before it has set up the watches samples instead, until it is told to end
        process.send_signal(signal.SIGINT if whom == "guard" else signal.SIGKILL)
        process.wait()
        call(target)
        check_free(target)
    assert target.ask("values")["answer"] == list(range(KILLS))
    until(lambda: guard_of(target=target.pid) is None, "the guard to end")
    assert not any(is_tracing(pid) for pid in (os.getpid(), target.pid))


def is_guarded(target):
    """Not by gilspy itself, which stops a thread before there is a guard."""
    try:
        with open("/proc/%d/comm" % target.state()[1]) as file:
            return file.read() == "gilspy-guard\n"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not shutil.which("strace"), reason="takes strace")
@pytest.mark.pythons(fits=lambda python: python.at_least >= (3, 8))
@pytest.mark.parametrize("call_name, stops", [("ptrace", False), ("waitid", False), ("ptrace", True), ("waitid", True),
                                              ("kill", True), ("setitimer", True)])
def test_killed_at_every_step(target, tmp_path, call_name, stops):
    """The guard, at each call by which it seizes threads, handles their stops and stops one that computes, and gilspy at
    each by which it asks for that: no signal is lost with them, and nobody stands still."""
    target.ask("keep_values", signal.SIGRTMIN + 5)
    how = ["stat", "--exact"]
    if stops:
        target.feed("spin")
        target.wait_computing(target.began["tids"]["spin"])
        how = ["trace", "-b", "--max-pause", "100%", "-r", "1000", "-o", str(tmp_path / "out.json")]
    sent, killed = 0, 0
    for when in range(1, STEPS + 1):
        log = tmp_path / ("calls-%d" % when)
        process = subprocess.Popen(["strace", "-f", "-o", log, "-e", "trace=" + call_name, "-e",
                                    "inject=%s:signal=KILL:when=%d" % (call_name, when), gilspy.PROGRAM, *how, "-d",
                                    "1h", "--max-overhead", "off", "-p", str(target.pid)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        until(lambda: is_guarded(target) or log.exists() and "killed by SIGKILL" in log.read_text(), "gilspy to begin")
        for _ in range(3):
            queue(target.pid, target.pid, signal.SIGRTMIN + 5, sent)
            sent += 1
        call(target)
        assert target.ask("values")["answer"] == list(range(sent))
        if stops: # it goes on asking for that until it is killed
            until(lambda: "killed by SIGKILL" in log.read_text(), "the call number %d" % when)
        killed += "killed by SIGKILL" in log.read_text()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        check_free(target)
    assert target.ask("values")["answer"] == list(range(sent)) and killed > 0


def test_one_that_computes_is_stopped(target, tmp_path):
    """By its guard, for moments in which signals come as they do else."""
    target.ask("keep_values", signal.SIGRTMIN + 5)
    target.feed("spin")
    target.wait_computing(target.began["tids"]["spin"])
    with tracing(target.pid, tmp_path / "out.json", "-b", "-r", "1000", "--max-pause", "100%", "--max-overhead",
                 "off") as trace:
        for value in range(SIGNALS // 10):
            queue(target.pid, target.pid, signal.SIGRTMIN + 5, value)
            queue(target.pid, target.began["tids"]["spin"], signal.SIGRTMIN + 5, value)
        expected = sorted(2 * list(range(SIGNALS // 10)))
        until(lambda: len(target.ask("values")["answer"]) >= len(expected), "those of the thread that is stopped now and then")
        assert sorted(target.ask("values")["answer"]) == expected
    quality = trace.summary["quality"]
    assert quality["stopped"] > 0 and quality["refused"] == 0 and quality["stopped_us"] > 0
    check_free(target)


@pytest.mark.slow
def test_another_gilspy_says_what_it_could_not_do(target, tmp_path):
    target.feed("spin")
    target.wait_computing(target.began["tids"]["spin"])
    with measuring(target.pid, "--max-overhead", "off") as document:
        guard = guard_of(document["of"])
        named = "gilspy-guard (%d)" % guard
        for how, words in ((["record", "-b", "-d", "300ms", "-o", tmp_path / "out.folded"], "could not be stopped"),
                           (["top", "--once", "-b"], "traced by another program: "), (["dump", "-n"], named),
                           (["dump", "-b"], "process %d, gilspy-guard: nobody else can stop" % guard),
                           (["why"], "process %d, gilspy-guard" % guard)):
            done = gilspy.run(*how, "-p", target.pid)
            assert done.returncode == 0 and words in done.stdout + done.stderr, (how, done)
    check_free(target)


def test_gilspy_stands_still(target):
    """Nobody sees to what the tracing costs: it is not watched any longer."""
    with measuring(target.pid, "--max-overhead", "off") as document:
        os.kill(document["of"], signal.SIGSTOP)
        until(lambda: call_number(guard_of(document["of"])) == str(RECVFROM), "the guard to disable its watches")
        call(target)
        os.kill(document["of"], signal.SIGCONT)
    assert document["method"] == "windows" and document["exact_seconds"] < document["seconds"]
    assert document["violations"] == 0 and "gilspy stood still for more than a second, 1 times" in document["said"]
    check_free(target)


def test_ctrl_c_is_not_for_the_guard(target):
    """It is in a session of its own."""
    with begun("stat", "--exact", "-p", target.pid, "-d", "1h", "--max-overhead", "off") as run:
        assert os.getsid(guard_of(run.pid)) == guard_of(run.pid)
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGTSTP:
            os.kill(guard_of(run.pid), number)
        call(target)
        target.ask("stray")
        run.end()
    check_free(target)


def test_its_guard_stands_still(target):
    """Somebody stopped it: gilspy makes it go on."""
    with begun("stat", "--exact", "-p", target.pid, "-d", "1h", "--max-overhead", "off") as run:
        os.kill(guard_of(run.pid), signal.SIGSTOP)
        run.end()
    check_free(target)


HOLD = "import ctypes, sys, time; libc = ctypes.CDLL(None, use_errno=True); " \
       "sys.exit('refused') if libc.ptrace(%d, int(sys.argv[1]), None, None) else print('held', flush=True); " \
       "sys.stdin.read()" % PTRACE_SEIZE


@pytest.fixture
def held(target):
    """Another tracer has its main thread."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(target.pid)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, encoding="ascii")
    assert process.stdout.readline() == "held\n"
    yield process.pid
    process.communicate("")
    check_free(target)


def test_another_tracer(target, held, tmp_path):
    """It cannot be guarded, so that it is not watched: that is said, and it is sampled."""
    done = gilspy.run("stat", "--exact", "-j", "-d", "100ms", "-p", target.pid)
    document = json.loads(done.stdout)
    assert done.returncode == 0 and document["method"] == "sampled"
    assert "process %d traces thread %d" % (held, target.pid) in document["method_why"]
    done = gilspy.run("trace", "-d", "100ms", "-p", target.pid, "-o", tmp_path / "out.json")
    assert done.returncode == 1 and "process %d traces thread %d" % (held, target.pid) in done.stderr
    assert "gilspy stat -p %d" % target.pid in done.stderr
    done = gilspy.run("doctor", "-j", "-p", target.pid)
    assert not json.loads(done.stdout)["usable"]["exact"]


def test_a_process_of_its_own(python, folders):
    """Whom gilspy started, it gives its status and its signals as ever."""
    if python.root:
        pytest.skip("is started by chroot, which runs another program first")
    done = gilspy.run("stat", "--exact", "-d", "1h", "--max-overhead", "off", "--", python.path, "-c",
                      "import os, time; time.sleep(1); os._exit(7)")
    assert done.returncode == 7, done.stderr
