"""What is counted of each thread by what it did with the GIL, against what the kernel told the target itself, and what
it tells of it from outside before and after."""
import os

import pytest

import barriers
from target import AsNobody, running
from tracing import few, measuring, tracing

PAGES, NAPS = 2000, 200
PIPES = ["with", "without", "naps"]
STATES = ["holds", "waits", "without", "unknown"]
KEYS = {"task_clock_us", "page_faults", "major_faults", "context_switches", "preemptions", "migrations"}
HARDWARE = {"cycles", "instructions", "cache_misses"}

pytestmark = pytest.mark.usefixtures("watchable", "with_gil")
wanted = few


def sleep(target):
    for name in PIPES:
        target.wait_reading(target.began["tids"][name], name)
    target.wait_idle()


def told(target):
    """Of each thread: page faults, switches for want of something, and of a processor, as the kernel tells."""
    counts = {}
    for name in PIPES:
        task = "/proc/%d/task/%d/" % (target.pid, target.began["tids"][name])
        with open(task + "stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        with open(task + "status") as file:
            rows = dict(line.rstrip("\n").split(":\t", 1) for line in file)
        counts[name] = [int(fields[7]) + int(fields[9]), int(rows["voluntary_ctxt_switches"]),
                        int(rows["nonvoluntary_ctxt_switches"])]
    return counts


def act(target):
    """One after the other, so that each has the GIL when it wants it."""
    for name in PIPES:
        target.feed(name)
        sleep(target)


def check(counters, truth, before, after):
    """Between what the thread itself saw of its part, and what happened to it in all."""
    for name in PIPES:
        states = counters[name]
        assert list(states) == STATES
        assert all(set(state) - HARDWARE == KEYS for state in states.values())
        sums = {key: sum(state[key] for state in states.values()) for key in KEYS}
        whole = [late - early for early, late in zip(before[name], after[name])]
        for state in states.values():
            assert state["major_faults"] <= state["page_faults"] and state["preemptions"] <= state["context_switches"]
        assert sums["page_faults"] <= whole[0]
        switches = [sums["context_switches"] - sums["preemptions"], sums["preemptions"]]
        assert truth[name][1] <= switches[0] <= whole[1]
        assert truth[name][2] <= switches[1] <= whole[2]
    assert counters["with"]["holds"]["page_faults"] >= PAGES
    assert counters["without"]["without"]["page_faults"] >= PAGES
    assert counters["without"]["holds"]["page_faults"] <= after["without"][0] - before["without"][0] - PAGES
    # A nap that is over before its thread could be sent to sleep is none; a nap without the GIL is all there was.
    without = counters["naps"]["without"]
    assert 10 * (without["context_switches"] - without["preemptions"]) >= 9 * truth["naps"][1]
    # A switch is told some microseconds before the time of the processor is another's.
    assert counters["with"]["holds"]["task_clock_us"] >= truth["with"][3] / 2


@pytest.fixture
def target(python, folders):
    with running(python, folders, "counters.py", str(PAGES), str(NAPS), pipes=PIPES) as target:
        sleep(target)
        yield target


def check_document(target, document, before):
    tids = target.began["tids"]
    assert (document["method"], document["events_lost"], document["violations"]) == ("exact", 0, 0)
    rows = {row["tid"]: row for row in document["threads"]}
    check({name: rows[tids[name]]["counters"] for name in PIPES}, target.ask("truth")["answer"], before, told(target))
    for row in rows.values():
        for state in STATES:
            share_us = row[{"holds": "has"}.get(state, state)] * document["seconds"] * 1e6
            assert row["counters"][state]["task_clock_us"] <= share_us + 1


def test_stat(target):
    before = told(target)
    with measuring(target.pid, "--counters", "--max-overhead", "off") as document:
        act(target)
    check_document(target, document, before)


def test_stat_as_another_user(root, python, folders, program):  # noqa: F811
    """What happens in the kernel is not counted then, and the user is told so."""
    if python.root or "/root/" in python.path:
        pytest.skip("this Python is root's alone")
    with open("/proc/sys/kernel/perf_event_paranoid") as file:
        if int(file.read()) > 2:
            pytest.skip("kernel.perf_event_paranoid is above 2")
    with running(python, folders, "counters.py", str(PAGES), str(NAPS), pipes=PIPES, kind=AsNobody) as target:
        sleep(target)
        before = told(target)
        with measuring(target.pid, "--counters", "--max-overhead", "off", wrap=barriers.user(), program=program) as document:
            act(target)
        check_document(target, document, before)


def test_trace(target, tmp_path):
    """The tracks end with the sums of the summary."""
    before = told(target)
    with tracing(target.pid, tmp_path / "out.json", "--counters", "--max-overhead", "off") as trace:
        act(target)
    trace.check()
    tids = target.began["tids"]
    rows = {row["tid"]: row["counters"] for row in trace.summary["threads"]}
    check({name: rows[tids[name]] for name in PIPES}, target.ask("truth")["answer"], before, told(target))
    for key in KEYS:
        track = [event for event in trace.events if event["ph"] == "C" and event["name"] == key]
        assert [event["ts"] for event in track] == sorted(event["ts"] for event in track)
        assert track[-1]["args"] == {state: trace.summary["counters"][state][key] for state in STATES}
        for one, later in zip(track, track[1:]):
            assert all(one["args"][state] <= later["args"][state] for state in STATES)
    assert os.path.getsize(tmp_path / "out.json")


def test_windows(target):
    """Counts are of the windows, and no more than there was."""
    before = told(target)
    with measuring(target.pid, "--counters", "--max-overhead", "1%") as document:
        for _ in range(5):
            act(target)
    after, tids = told(target), target.began["tids"]
    rows = {row["tid"]: row for row in document["threads"]}
    for name in PIPES:
        states = rows[tids[name]]["counters"] if tids[name] in rows else None
        if document["method"] != "sampled" and states:
            faults = sum(state["page_faults"] for state in states.values())
            assert faults <= after[name][0] - before[name][0]
