"""Each wait of a thread that clocks them, beside what record --locks and stat --locks saw of it."""
import os
import signal

import pytest

import gilspy
from recording import samples
from stat_runs import kept_s, missed_s, watching
from target import running, until

TIMES_MS = [20, 3, 45, 6, 80, 12, 5, 30]
SLOT = 0.001  # of samples


def wanted(python):
    return python.at_least >= (3, 8)


def recorded(target, path):
    """What the thread clocked while it was recorded."""
    with gilspy.begun("record", "--locks", "-q", "-r", "1000", "-p", target.pid, "-o", path) as run:
        until(lambda: os.path.exists("%s.part" % path), "samples")
        clocked = target.ask("hold", TIMES_MS)["answer"]
        run.send_signal(signal.SIGINT)
        assert run.wait() == 0
    return clocked


def seen_waits(path, clocked):
    """(seconds, what samples that came late may make of it) for each wait that was clocked: up to half way to the next one."""
    rows = [(ns / 1e9, bool(threads.get("waiter", {}).get("waits_for_lock"))) for ns, _, threads in samples(path)]
    bounds = [clocked[0][0] - 0.005] + [(one[1] + two[0]) / 2 for one, two in zip(clocked, clocked[1:])] + [clocked[-1][1] + 0.005]
    for begin, end in zip(bounds, bounds[1:]):
        seen = late = 0
        for (before, waited), (now, waits) in zip(rows, rows[1:]):
            middle = (before + now) / 2
            for state, one, two in (waited, before, middle), (waits, middle, now):
                seen += state * max(min(two, end) - max(one, begin), 0)
            late += max(now - before - SLOT, 0) * (before < end and now > begin)
        yield seen, late


def check(python, folders, path, kind):
    """Each wait has its length: within 1 ms or 2 %, beside what gilspy and the two threads waited for a processor."""
    with running(python, folders, "waits.py", kind) as target:
        tids = target.pid, target.began["tids"]["waiter"]
        before = sum(kept_s(target.pid, tid) for tid in tids)
        clocked = recorded(target, path)
        kept = sum(kept_s(target.pid, tid) for tid in tids) - before
        for (seen, late), (asked, had) in zip(seen_waits(path, clocked), clocked):
            assert abs(seen - (had - asked)) <= max(0.001, 0.02 * (had - asked)) + late + kept
        before += kept
        with watching(target.pid, "--locks") as watch:
            times = [had - asked for asked, had in target.ask("hold", TIMES_MS)["answer"][len(clocked):]]
            document = watch.document()
        missed = missed_s(document) + sum(kept_s(target.pid, tid) for tid in tids) - before
    waited, longest = (sum(row[key] for row in document["locks"]) / 1e6 for key in ("wait_us", "longest_wait_us"))
    assert len(document["locks"]) <= 1
    assert abs(waited - sum(times)) <= 0.001 * len(times) + missed
    assert abs(longest - max(times)) <= max(0.001, 0.02 * max(times)) + missed


def test_lock(python, folders, tmp_path):
    check(python, folders, str(tmp_path / "run.gilspy"), "lock")


@pytest.mark.pythons(fits=lambda python: python.at_least >= (3, 14))
def test_rlock(python, folders, tmp_path):
    """Whose words CPython knows from there on."""
    check(python, folders, str(tmp_path / "run.gilspy"), "rlock")


@pytest.mark.pythons(fits=lambda python: not python.has_gil)
def test_object(python, folders, tmp_path):
    check(python, folders, str(tmp_path / "run.gilspy"), "object")
