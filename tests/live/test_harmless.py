"""The target is not disturbed: no thread is stopped without need, and whatever happens to gilspy, it goes on."""
import os
import re
import signal

import pytest

import gilspy
from target import running, until


def traced(target, tmp_path, *args, inject=()):
    """Runs a dump under strace. Returns it, and the ptrace calls that it made."""
    log = tmp_path / "calls"
    wrap = ["strace", "-f", "-o", str(log), "-e", "trace=ptrace,kill,tgkill,tkill", *inject]
    # A build with sanitizers cannot look for leaks under strace.
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
    done = gilspy.run("dump", "--json", "-p", target.pid, *args, wrap=wrap, env=environment)
    return done, [line for line in log.read_text().splitlines() if re.search(r" \w+\(", line)]


@pytest.mark.parametrize("state", ["idle", "sleep", "hog"])
def test_no_stop_without_need(python, folders, tmp_path, state):
    """Threads that stand still, and one that stays in one call, are read without a single ptrace call or signal."""
    with running(python, folders, "states.py", state, pipes=["begin"]) as target:
        worker = target.began["tids"]["worker"]
        target.wait_idle()
        if state == "hog":
            target.feed("begin")
            until(lambda: target.call_of(worker) is None and any(
                "match" in frame["function"] for thread in gilspy.dump(target.pid)["threads"]
                for frame in thread["frames"]), "the match to begin")
        for how in [], ["-l"], ["--nonblocking"]:
            done, calls = traced(target, tmp_path, *how)
            assert done.returncode == 0 and calls == []


def check_unharmed(target):
    for tid in target.began["tids"].values():
        letter, tracer = target.state(tid)
        assert tracer == 0 and letter not in "tTZ"
    assert target.ask("ping")["answer"] == "pong"


def test_killed_at_every_step(python, folders, tmp_path):
    """SIGKILL at each of the ptrace calls of a dump that stops a running thread: the thread runs on."""
    with running(python, folders, "states.py", "spin", pipes=["begin"]) as target:
        done, calls = traced(target, tmp_path, "--blocking")
        assert done.returncode == 0
        stops = [call for call in calls if "PTRACE_SEIZE" in call]
        assert stops and any("PTRACE_DETACH" in call for call in calls)
        assert not [call for call in calls if "PTRACE_ATTACH" in call or "kill(" in call]
        check_unharmed(target)
        killed = 0
        for when in range(1, len(calls) + 1):
            done, _ = traced(target, tmp_path, "--blocking",
                             inject=["-e", "inject=ptrace:signal=KILL:when=%d" % when])
            killed += done.returncode == -signal.SIGKILL
            until(lambda: all(target.state(tid)[1] == 0 for tid in target.began["tids"].values()), "no tracer")
            check_unharmed(target)
        assert killed >= 3
