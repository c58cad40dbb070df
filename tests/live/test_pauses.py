"""How long threads stand still, and what is done when they cannot be stopped."""
import contextlib
import json
import os
import shutil
import subprocess
import time

import pytest

import gilspy
import recording
from target import running, until

pytestmark = pytest.mark.usefixtures("watchable")
SLOTS_US = 100000  # ten of 10 ms: what is shorter is no gap
SHARE = 0.02


def wanted(python):
    """The oldest way to read stacks, and the newest that is here with every kernel."""
    return python.label.startswith(("2.7.18-py", "3.13.0-py"))


@contextlib.contextmanager
def spinning(python, folders):
    """A target with a thread that computes, and its tid."""
    with running(python, folders, "states.py", "spin", pipes=["begin"]) as target:
        yield target, target.began["tids"]["worker"]


def stood(target, tid):
    """(nanoseconds, and of them those in which it neither ran nor waited for a processor), from some moment on, of a
    thread that never sleeps: as the kernel tells it to anybody."""
    with open("/proc/%d/task/%d/schedstat" % (target.pid, tid)) as file:
        ran, waited = map(int, file.read().split()[:2])
    now = time.monotonic_ns()
    return now, now - ran - waited


def watched(target, tid, tmp_path, *words):
    """The summary of a recording, and the share of the time in which the thread stood still meanwhile."""
    budget = () if "--max-pause" in words else ("--max-pause", "%g%%" % (100 * SHARE))
    before = stood(target, tid)
    run = recording.record(target.pid, tmp_path / "run.gilspy", "-d", "3", *budget, *words)
    after = stood(target, tid)
    return run, (after[1] - before[1]) / (after[0] - before[0])


@pytest.mark.parametrize("how", [["-b", "-r", "max"], ["-b", "-r", "20000", "-n"]], ids=["all", "native"])
@pytest.mark.slow
def test_budget(python, folders, tmp_path, how):
    """Whatever is asked for, threads are not stopped for longer than they may be; the rest of the samples is left
    out."""
    with spinning(python, folders) as (target, tid):
        run, outside = watched(target, tid, tmp_path, *how)
        quality = run["quality"]
        assert quality["stopped"] > 0 and quality["skipped"] > 0
        assert quality["stopped_us"] <= 1e6 * SHARE * (run["seconds"] + 1)
        said = gilspy.run("record", *how, "-p", target.pid, "-d", "1", "-o", tmp_path / "told.gilspy")
        assert "left out, to stop threads for no longer than --max-pause" in said.stderr
        # The same from outside, where a machine's own pauses count too.
        free, unbounded = watched(target, tid, tmp_path, *how, "--max-pause", "100%")
        assert free["quality"]["skipped"] == 0 and free["quality"]["stopped_us"] > 2 * quality["stopped_us"]
        assert outside < unbounded


@pytest.mark.slow
def test_left_out_is_no_gap(python, folders, tmp_path):
    """What is left out on purpose stands for nothing: the samples around it have its time."""
    with spinning(python, folders) as (target, _):
        run = recording.record(target.pid, tmp_path / "run.gilspy", "-d", "3", "-b", "-r", "max", "--max-pause", "1%")
        assert run["quality"]["skipped"] > 100
        stacks = recording.draw(tmp_path / "run.gilspy", "-i")
        late = sum(us for frames, us in stacks.items() if frames[-1] == "[gap: sampler late]")
        assert late < sum(stacks.values()) / 2  # as gaps they would be nearly all of it; a busy machine has some of its own


def test_the_rest_is_a_gap(python, folders, tmp_path):
    """Behind the last sample nobody looks any more: that time is not left out, and weighs on no stack."""
    with spinning(python, folders) as (target, _):
        kept = tmp_path / "run.gilspy"

        def one_sample():
            done = gilspy.run("record", "-q", "-j", "-b", "-d", "700ms", "--max-pause", "0.002%", "-p", target.pid, "-o",
                              kept)
            return done.returncode == 0 and json.loads(done.stdout)
        run = until(one_sample, "a first sample, whose stop takes all of the second's budget")
        stacks = recording.draw(kept, "-i", "-t")
        for thread in {frames[0] for frames in stacks}:
            own = {frames: us for frames, us in stacks.items() if frames[0] == thread}
            assert -3 <= 1e6 * run["seconds"] - sum(own.values()) <= SLOTS_US  # each row is rounded


def slept(pid):
    """How often it went to sleep by itself: before each sample."""
    with open("/proc/%d/status" % pid) as file:
        rows = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    return int(rows["voluntary_ctxt_switches"])


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
@pytest.mark.slow
def test_refused_for_a_while(python, folders, tmp_path):
    """Another tracer is there at first: it is said that nothing could be stopped, and tried again when it is gone."""
    part = tmp_path / "run.gilspy.part"
    with spinning(python, folders) as (target, tid):
        with subprocess.Popen(["strace", "-qq", "-f", "-e", "trace=none", "-p", str(target.pid)]) as tracer:
            until(lambda: target.state(tid)[1] != 0, "the other tracer")
            words = ["record", "-j", "-q", "-b", "-r", "200", "-d", "6", "-p", target.pid, "-o", tmp_path / "run.gilspy"]
            with gilspy.begun(*words) as process:
                until(lambda: os.path.exists(part) and slept(process.pid) > 100, "samples")
                tracer.terminate()
                tracer.wait()
                out, err = process.communicate()
        assert (process.returncode, err) == (0, "")
        quality = json.loads(out)["quality"]
        assert quality["refused"] > 0 and quality["stopped"] > 0
