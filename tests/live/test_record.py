"""Recordings of targets whose threads do what is known, or who count themselves what they do."""
import re

import pytest

from recording import LATE, draw, record, samples, sum_by, threads
from target import FUTEX, running, until

PIPES = ["hold", "gate", "compute", "once", "turn-0", "turn-1", "turn-2"]
WAITING = ("victim-0", "victim-1")
NAMES = {"MainThread", "computer", "holder", "locked", "sleeper", "victim-0", "victim-1", "victim-2"}
ATTEMPTS = 12


def stand_still(target, contend):
    """Each thread in a state that lasts: a computer, a holder with two that wait for it, and sleepers."""
    tids = target.began["tids"]
    for name in NAMES - {"MainThread", "locked", "sleeper"}:
        target.wait_reading(tids[name], {"computer": "compute", "holder": "hold"}.get(name, name.replace("victim", "turn")))
    until(lambda: target.call_of(tids["locked"]) and target.call_of(tids["sleeper"]), "two threads to sleep")
    target.wait_idle()
    target.feed("compute")
    target.wait_computing(tids["computer"])
    target.feed("hold")
    target.wait_reading(tids["holder"], "gate")
    for name in WAITING if contend else ():
        target.feed(name.replace("victim", "turn"))
        target.wait_calling(tids[name], FUTEX)


@pytest.fixture(scope="module")
def still(python, folders, tmp_path_factory):
    """A recording of it, its summary, and the threads' ids."""
    with running(python, folders, "gil.py", pipes=PIPES) as target:
        stand_still(target, python.has_gil)
        path = tmp_path_factory.mktemp("still") / "still.gilspy"
        summary = record(target.pid, path, "-r", 500, "-d", "500ms")
        assert (summary["pid"], summary["python"]) == (target.pid, python.version)
        assert (summary["format"], summary["mode"], summary["rate_hz"]) == ("gilspy", "wall", 500)
        assert summary["thread_samples"] == summary["samples"] * len(NAMES)
        yield path, summary, target.began["tids"]


def known(stacks):
    """Without the time in which gilspy was late."""
    return {frames: us for frames, us in stacks.items() if LATE not in frames}


def check_shares(sums, names, whole):
    """These threads all the time; a waiter whose wait has just timed out is awake for a moment."""
    assert set(sums) == names
    for name, us in sums.items():
        assert us <= whole + 2 and us > (0.7 if name in WAITING else 0.97) * whole


def test_modes(python, still):
    path, summary, tids = still
    wall = threads(draw(path, "-t", "-m", "wall"))
    assert set(wall) == NAMES and len(set(wall.values())) == 1
    assert wall["sleeper"] == pytest.approx(summary["seconds"] * 1e6, abs=20000)  # the last sample is before the end
    sums = {mode: threads(known(draw(path, "-t", "-m", mode))) for mode in ("wall", "active", "cpu", "gil", "wait")}
    whole = sums["wall"]["sleeper"]
    assert set(sums["cpu"]) <= {"computer", *WAITING}
    check_shares({"computer": sums["cpu"]["computer"]}, {"computer"}, whole)
    if not python.has_gil:
        check_shares(sums["active"], {"computer"}, whole)
        assert sums["gil"] == sums["wait"] == {}
        return
    check_shares(sums["active"], {"computer", "holder", *WAITING}, whole)
    check_shares(sums["gil"], {"holder"}, whole)
    check_shares({name: sums["wait"][name] for name in WAITING}, set(WAITING), whole)
    assert set(sums["wait"]) <= {"computer", *WAITING}  # when all three are awake, it is not known who waits
    assert draw(path, "--thread", "hold*", "-m", "gil") == draw(path, "-m", "gil")
    assert draw(path, "--thread", tids["victim-0"], "--thread", "sleeper", "-m", "wait", "-t") == {
        frames: us for frames, us in draw(path, "-t", "-m", "wait").items() if frames[0] == "victim-0"}


def test_blame(python, still, with_gil):
    """The holder's stack, then that of the thread that it delays."""
    path = still[0]
    blame, waiting, held = (known(draw(path, "-F", "-m", mode)) for mode in ("blame", "wait", "gil"))
    holder, = held
    assert all(frames[:len(holder) + 1] == (*holder, "[delays]") for frames in blame)
    assert {frames[len(holder) + 1:]: us for frames, us in blame.items()} == waiting
    assert holder[-1].startswith("wait_holding (")


def test_ranges(still):
    """Parts of a recording add up to the whole. Time in which gilspy was late is of the part in which it ends."""
    path, summary, _ = still
    middle = "%dus" % (summary["seconds"] * 500000)
    parts = [draw(path, "-i", "-t", *words) for words in ((), ("--to", middle), ("--from", middle))]
    whole, first, second = map(threads, parts)
    for name in NAMES:
        assert first[name] + second[name] == pytest.approx(whole[name], abs=2)
        assert first[name] == pytest.approx(summary["seconds"] * 500000, abs=50000 + parts[0].get((name, LATE), 0)
                                            + parts[2].get((name, LATE), 0))


def share_of_calls(portions, begin_ns, end_ns):
    """The nanoseconds of a span that went to calls, and all that are known."""
    spent = {"calls": 0, "straight": 0}
    for name, began, ended in portions:
        spent[name] += max(min(ended, end_ns) - max(began, begin_ns), 0)
    return spent["calls"], sum(spent.values())


def test_split(python, folders, tmp_path):
    """Many short calls and straight code get what they took, though stacks of short calls often come out torn. Truth is
    what the thread did in the very time that a sample stands for; chance goes with more of it, a bias stays. It always
    computes, also where it had to be stopped to be read."""
    seen, told, known, whole, awake = 0, 0, 0, 0, 0
    with running(python, folders, "split.py", "split") as target:
        for _ in range(ATTEMPTS):
            target.ask("portions")
            record(target.pid, tmp_path / "split.gilspy", "-r", 1000, "-d", "900ms")
            portions = target.ask("portions")["answer"]
            for time_ns, weight_ns, threads in samples(tmp_path / "split.gilspy"):
                stack = threads.get("worker", {"stack": []})["stack"]
                functions = {frame.get("fn") for frame in stack} & {"calls", "straight"}
                calls, both = share_of_calls(portions, time_ns - weight_ns, time_ns)
                whole += both
                if both and functions:
                    seen += weight_ns * (functions == {"calls"})
                    told += weight_ns * calls / both
                    known += weight_ns
                    awake += weight_ns * threads["worker"]["runnable"]
            if abs(seen - told) < 0.03 * known and known > 0.95 * whole:
                break
    assert abs(seen - told) < 0.03 * known
    assert known > 0.95 * whole > 0
    assert awake > 0.9 * known


def test_addresses_used_again(python, folders, tmp_path):
    """Functions that live for one call, and are where the one before was: each has its own name."""
    with running(python, folders, "split.py", "make") as target:
        record(target.pid, tmp_path / "make.gilspy", "-r", 1000, "-d", "500ms")

    def verdict(frames):
        made = re.search(r";made_(\d+) \(made_(\d+)\.py\);leaf_(\d+) ", ";".join(frames))
        return made and (made[1] == made[2] and int(made[1]) % 16 == int(made[3]))
    seen = sum_by(draw(tmp_path / "make.gilspy", "-F"), verdict)
    assert seen[True] > 0.97 * sum(seen.values())  # between the reading of a stack and of a name a call may end
