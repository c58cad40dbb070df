"""stat --locks against threads that clock what they wait for."""
import json
import os
import time

import pytest

import gilspy
from recording import LATE, draw, record, samples
from stat_runs import stat
from target import FUTEX, running

LOCK = {"kind", "type", "name", "address", "mean_waiters", "most_waiters", "wait_us", "longest_wait_us", "holder", "held_in", "waiters",
        "half_width"}
ATTEMPTS = 12
ENOUGH = 50  # samples, on a machine that lets nobody run


def parks(python, kind):
    """CPython itself knows since when a thread waits for such a lock."""
    return kind == "object" or python.at_least >= (3, 14) or (
        python.at_least == (3, 13) and kind == "threading.Lock" and not python.version.startswith("3.13.0"))


def still(target, *args):
    """The figures of half a second in which nothing moves, and how long before it that was so."""
    for _ in range(ATTEMPTS):
        before = time.monotonic()
        document = stat(target.pid, "-d", "500ms", *args)
        rows = document["locks"]
        if document["quality"]["samples"] >= ENOUGH and rows is not None and all(row["holder"] for row in rows):
            break
    return document, before


SCENE = {  # kind -> name, type, threads that wait, who has it, in which function
    "threading.Lock": ("plain", None, ["plain-0", "plain-1"], "keeper", "keep_plain"),
    "threading.RLock": ("pool.guard", None, ["guard-0"], "guardian", "wait"),
    "object": ("pool.numbers", "list", ["object-0"], "sorter", "wait_holding")}


def check_recorded(pid, path, scene):
    """Who waits for a lock in each sample but the first, which finds out whether there is a GIL, and behind whom."""
    behind = {name: row[3] for row in scene.values() for name in row[2]}
    record(pid, path, "-d", "300ms", "--locks")
    _, *rest = samples(path)
    assert rest and all({name for name, thread in threads.items() if "waits_for_lock" in thread} == set(behind)
                        for _, _, threads in rest)
    assert {frames[0] for frames in draw(path, "-t", "-m", "locks")} == set(behind)
    blamed = {(frames[frames.index("[delays]") + 1], frames[0]) for frames in draw(path, "-t", "-m", "blame") if LATE not in frames}
    assert {pair for pair in blamed if pair[1] != "[holder unknown]"} == set(behind.items())


def check_still(python, folders, tmp_path):
    """Who waits for which lock, who has it and where, for how long; whoever waits for work waits for none. Returns who and
    what `why` says."""
    scene = {kind: row for kind, row in SCENE.items() if kind != "object" or not python.has_gil}
    waiters = [name for row in scene.values() for name in row[2]]
    keepers = [row[3] for row in scene.values()]
    with running(python, folders, "locks.py", *["object"] * (not python.has_gil), pipes=["ask", "give", "turn"]) as target:
        tids = target.began["tids"]
        for name in keepers:
            target.wait_reading(tids[name], "ask")
        target.feed("ask", len(keepers))
        for name in keepers:
            target.wait_reading(tids[name], "give")
        target.feed("turn", len(waiters))
        for name in [*waiters, "worker"]:
            target.wait_calling(tids[name], FUTEX)
        target.wait_idle()
        document, before = still(target, "--locks")
        after = time.monotonic()
        check_recorded(target.pid, tmp_path / "still.gilspy", scene)
        verdicts = [] if python.has_gil else json.loads(gilspy.run("why", "--json", "-p", target.pid).stdout)["verdicts"]
        target.feed("give", len(keepers))
        clocked = target.ask("answer")["answer"]
    rows = {row["kind"]: row for row in document["locks"]}
    assert set(rows) == set(scene) and len(document["locks"]) == len(scene)
    for kind, (name, type_, names, holder, place) in scene.items():
        row = rows[kind]
        assert set(row) == LOCK and (row["name"], row["type"]) == (name, type_) and row["address"].startswith("0x")
        assert row["holder"] == tids[holder] and row["held_in"]["function"].endswith(place)
        assert sorted(row["waiters"]) == sorted(tids[name] for name in names)
        assert row["most_waiters"] == len(names) and abs(row["mean_waiters"] - len(names)) <= 0.02
        assert abs(row["wait_us"] / 1e6 / document["seconds"] - len(names)) <= 0.02
        longest = max(had - asked for asked, had in (clocked[name] for name in names))
        assert row["longest_wait_us"] / 1e6 <= longest
        if parks(python, kind):
            first = min(clocked[name][0] for name in names)
            assert row["longest_wait_us"] / 1e6 >= 0.98 * document["seconds"]
            assert row["longest_wait_us"] / 1e6 <= after - first
    return tids, verdicts


@pytest.mark.pythons(fits=lambda python: python.at_least >= (3, 7) and python.has_gil)
def test_still(python, folders, tmp_path):
    check_still(python, folders, tmp_path)


@pytest.mark.pythons(fits=lambda python: not python.has_gil)
def test_object(python, folders, tmp_path):
    """A list has a lock; whoever is in a critical section of it has that."""
    tids, verdicts = check_still(python, folders, tmp_path)
    told, = [verdict for verdict in verdicts if verdict["kind"] == "lock_wait" and "the list pool.numbers" in verdict["text"]]
    assert set(told["threads"]) == {tids["object-0"], tids["sorter"]} and told["confidence"] == "certain"


@pytest.mark.pythons(fits=lambda python: python.at_least >= (3, 7))
def test_nobody_waits(python, folders):
    """A thread that waits for work or to be notified waits for no lock."""
    with running(python, folders, "locks.py", pipes=["ask", "give", "turn"]) as target:
        target.wait_calling(target.began["tids"]["worker"], FUTEX)
        target.wait_idle()
        assert stat(target.pid, "-d", "200ms", "--locks")["locks"] == []
        assert stat(target.pid, "-d", "50ms")["locks"] == ([] if not python.has_gil else None)


def test_not_exact():
    done = gilspy.run("stat", "--locks", "--exact", "-p", os.getpid())
    assert done.returncode == 2 and "--locks" in done.stderr
