"""Recordings of targets whose threads do what is known, or who count themselves what they do."""
import re

import pytest

from recording import LATE, draw, record, sum_by, threads
from target import FUTEX, running, until

PIPES = ["hold", "gate", "compute", "once", "turn-0", "turn-1", "turn-2"]
WAITING = ("victim-0", "victim-1")
NAMES = {"MainThread", "computer", "holder", "locked", "sleeper", "victim-0", "victim-1", "victim-2"}
ATTEMPTS = 3


COMPUTED_NS = 20000000  # far more than the way into the call takes


def computed_ns(target):
    """Time that the computer had a processor."""
    with open("/proc/%d/task/%d/schedstat" % (target.pid, target.began["tids"]["computer"])) as file:
        return int(file.read().split()[0])


def stand_still(target, contend):
    """Each thread in a state that lasts: a computer, a holder with two that wait for it, and sleepers."""
    tids = target.began["tids"]
    for name in NAMES - {"MainThread", "locked", "sleeper"}:
        target.wait_reading(tids[name], {"computer": "compute", "holder": "hold"}.get(name, name.replace("victim", "turn")))
    until(lambda: target.call_of(tids["locked"]) and target.call_of(tids["sleeper"]), "two threads to sleep")
    target.wait_idle()
    before = computed_ns(target)
    target.feed("compute")
    until(lambda: computed_ns(target) > before + COMPUTED_NS, "the computer to compute")
    target.feed("hold")
    target.wait_reading(tids["holder"], "gate")
    for name in WAITING if contend else ():
        target.feed(name.replace("victim", "turn"))
        target.wait_calling(tids[name], FUTEX)


@pytest.fixture
def still(python, folders, tmp_path):
    """A recording of it, its summary, and the threads' ids."""
    with running(python, folders, "gil.py", pipes=PIPES) as target:
        stand_still(target, python.has_gil)
        path = tmp_path / "still.gilspy"
        summary = record(target.pid, path, "-r", 500, "-d", "500ms")
        assert (summary["pid"], summary["python"]) == (target.pid, python.version)
        assert (summary["format"], summary["mode"], summary["rate_hz"]) == ("gilspy", "wall", 500)
        assert summary["thread_samples"] == summary["samples"] * len(NAMES)
        yield path, summary, target.began["tids"]


def check_whole(sums, names, seconds):
    """Each of these threads was there all the time, and the others never."""
    assert set(sums) == names
    for us in sums.values():
        assert abs(us / 1e6 - seconds) < max(0.01 * seconds, 0.02)  # the last sample is some slots from the end


def function_of(frames):
    """The innermost function, without its place."""
    return frames[-1].split(" ")[0]


def test_modes(python, still):
    path, summary, tids = still
    seconds, idle = summary["seconds"], {"MainThread", "locked", "sleeper", "victim-2"}
    sums = {mode: threads(draw(path, "-t", "-m", mode)) for mode in ("wall", "active", "cpu", "gil", "wait")}
    check_whole(sums["wall"], NAMES, seconds)
    assert len(set(sums["wall"].values())) == 1
    check_whole({"computer": sums["cpu"].pop("computer")}, {"computer"}, seconds)
    assert set(sums["cpu"]) <= set(WAITING)  # their wait times out, and for a moment they run
    if not python.has_gil:
        check_whole(sums["active"], {"computer"}, seconds)
        assert sums["gil"] == sums["wait"] == {}
        return
    check_whole(sums["active"], NAMES - idle, seconds)
    check_whole(sums["gil"], {"holder"}, seconds)
    check_whole(sums["wait"], set(WAITING), seconds)
    assert draw(path, "--thread", "hold*", "-m", "gil") == draw(path, "-m", "gil")
    assert draw(path, "--thread", tids["victim-0"], "--thread", "sleeper", "-m", "wait", "-t") == {
        frames: us for frames, us in draw(path, "-t", "-m", "wait").items() if frames[0] == "victim-0"}


def test_blame(python, still, with_gil):
    """The holder's stack, then that of the thread that it delays."""
    path = still[0]
    blame, waiting, held = (draw(path, "-F", "-m", mode) for mode in ("blame", "wait", "gil"))
    holder, = held
    assert {frames[len(holder) + 1:]: us for frames, us in blame.items()} == waiting
    assert all(frames[:len(holder) + 1] == (*holder, "[delays]") for frames in blame)
    assert sum(blame.values()) == pytest.approx(2 * sum(held.values()), abs=10)
    assert function_of(holder) == "wait_holding"


def test_ranges(still):
    """Parts of a recording add up to the whole."""
    path, summary, _ = still
    middle = "%dus" % (summary["seconds"] * 500000)
    whole, first, second = (threads(draw(path, "-i", "-t", *words))
                            for words in ((), ("--to", middle), ("--from", middle)))
    for name in NAMES:
        assert first[name] + second[name] == pytest.approx(whole[name], abs=2000)
        assert first[name] == pytest.approx(summary["seconds"] * 500000, abs=25000)


def test_split(python, folders, tmp_path):
    """Many short calls and straight code get what they took, though stacks of short calls often come out torn. Where a
    busy machine interrupts the target by chance, more of it evens that out; a bias stays."""
    truth, seen, known = {"calls": 0, "straight": 0}, {"calls": 0, "straight": 0}, 0

    def part(frames):
        return next((name for name in truth for frame in frames if frame.startswith(name + " ")), None)
    with running(python, folders, "split.py", "split") as target:
        for _ in range(ATTEMPTS):
            before = target.ask("spent")["answer"]
            record(target.pid, tmp_path / "split.gilspy", "-r", 1000, "-d", "1200ms")
            after = target.ask("spent")["answer"]
            stacks = draw(tmp_path / "split.gilspy", "-F")
            known += sum(us for frames, us in stacks.items() if frames != (LATE,))
            for name, us in sum_by(stacks, part).items():
                seen[name] += us
                truth[name] += after[name] - before[name]
            off = seen["calls"] / sum(seen.values()) - truth["calls"] / sum(truth.values())
            if abs(off) < 0.03:
                break
    assert abs(off) < 0.03
    assert sum(seen.values()) > 0.95 * known


def test_addresses_used_again(python, folders, tmp_path):
    """Functions that live for one call, and are where the one before was: each has its own name."""
    with running(python, folders, "split.py", "make") as target:
        record(target.pid, tmp_path / "make.gilspy", "-r", 1000, "-d", "800ms")

    def verdict(frames):
        made = re.search(r";made_(\d+) \(made_(\d+)\.py\);leaf_(\d+) ", ";".join(frames))
        return made and (made[1] == made[2] and int(made[1]) % 16 == int(made[3]))
    seen = sum_by(draw(tmp_path / "make.gilspy", "-F"), verdict)
    assert seen[True] > 0.95 * sum(seen.values())  # between the reading of a stack and of a name a call may end
