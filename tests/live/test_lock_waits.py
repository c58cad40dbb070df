"""Each wait of a thread that clocks them, beside what record --locks and stat --locks saw of it."""
import json
import os
import signal

import pytest

import gilspy
from recording import samples
from stat_runs import watching
from target import running, until

TIMES_MS = [20, 3, 45, 6, 80, 12, 150, 5, 30]
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
            late += max(now - before - SLOT, 0) / 2 * (waited != waits and before < end and now > begin)
        yield seen, late


def check(python, folders, path, kind):
    """Each wait has its length: within 1 ms or 2 %, beside what gilspy and the thread waited for a processor."""
    with running(python, folders, "waits.py", kind) as target:
        clocked = recorded(target, path)
        for (seen, late), (asked, had, kept) in zip(seen_waits(path, clocked), clocked):
            print("%s %.1f ms: %+.2f ms, late %.2f, kept %.2f" % (kind, 1e3*(had-asked), 1e3*(seen - had + asked), 1e3*late, 1e3*kept))
            assert abs(seen - (had - asked)) <= max(0.001, 0.02 * (had - asked)) + late + kept
        with watching(target.pid, "--locks") as watch:
            clocked = target.ask("hold", TIMES_MS)["answer"][len(clocked):]
            document = watch.document()
    print(json.dumps(document["locks"]), sum(had - asked for asked, had, _ in clocked), document["quality"])
    row, = document["locks"]
    quality = document["quality"]
    missed = (quality["late"] + quality["lost"]) * SLOT + sum(kept for _, _, kept in clocked)
    times = [had - asked for asked, had, _ in clocked]
    assert abs(row["wait_us"] / 1e6 - sum(times)) <= 0.001 * len(times) + missed
    assert abs(row["longest_wait_us"] / 1e6 - max(times)) <= max(0.001, 0.02 * max(times)) + missed


@pytest.mark.parametrize("kind", ["lock", "rlock"])
def test_each(python, folders, tmp_path, kind):
    check(python, folders, str(tmp_path / "run.gilspy"), kind)


@pytest.mark.pythons(fits=lambda python: not python.has_gil)
def test_object(python, folders, tmp_path):
    check(python, folders, str(tmp_path / "run.gilspy"), "object")
