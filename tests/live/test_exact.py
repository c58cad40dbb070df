"""Exact tracing against the truth that a target keeps itself: counts to the single event, holds by its own clock."""
import json
import os
import platform
import shutil

import pytest

from target import READ, SLEEPS, running, until
from tracing import FIRST_TRACK, TRACKS, begun, measuring, tracing

CALLS, HOLDS, SHORT_HOLDS = 2000, 4, 50
HOLD_US = {"x86_64": 30000, "aarch64": 300000}[platform.machine()]  # an emulated machine takes longer to see one
CALLERS = ["call-%d" % number for number in range(3)]
HOLDERS = ["hold-%d" % number for number in range(3)]

pytestmark = pytest.mark.usefixtures("watchable", "with_gil")


@pytest.fixture
def target(python, folders):
    with running(python, folders, "exact.py", str(CALLS), str(HOLD_US), pipes=CALLERS + HOLDERS) as target:
        for name in CALLERS + HOLDERS:
            target.wait_reading(target.began["tids"][name], name)
        target.wait_idle()
        yield target


def wait_holding(target, name):
    """Until the thread sleeps in usleep, with the GIL."""
    tid = target.began["tids"][name]
    until(lambda: (target.call_of(tid) or [None])[0] in SLEEPS, "%s to sleep" % name)


def all_read(target, names):
    for name in names:
        target.wait_reading(target.began["tids"][name], name)


@pytest.mark.every_python
def test_counts(python, target, tmp_path):
    """Three threads hand it over thousands of times: each time is in the trace, and no other."""
    tids = target.began["tids"]
    with tracing(target.pid, tmp_path / "out.json", "--max-overhead", "off") as trace:
        for name in CALLERS:
            target.feed(name)
        all_read(target, CALLERS)
    trace.check()
    assert (trace.summary["method"], trace.summary["pid"]) == ("exact", target.pid)
    assert trace.summary["python"] == python.version
    for name in CALLERS:
        holds = trace.slices(tids[name], "holds GIL")
        assert len(holds) == CALLS + 1
        assert len(trace.slices(tids[name], "no GIL")) + len(trace.slices(tids[name], "unknown")) >= CALLS + 1
    assert sum(len(trace.slices(tid, "holds GIL")) for tid in trace.tids()) == len(CALLERS) * (CALLS + 1)
    waits = sum(1 + one[2]["args"]["asked"] for tid in trace.tids() for one in trace.slices(tid, "waits for GIL"))
    if python.version >= "3":  # on 2.7 a semaphore is watched, that more is done to
        assert trace.summary["events"] == 2 * len(CALLERS) * (CALLS + 1) + waits


def test_holds(target, tmp_path):
    """Each hold begins before and ends after the time for which its thread knows that it had it."""
    tids = target.began["tids"]
    with tracing(target.pid, tmp_path / "out.json", "--max-overhead", "off") as trace:
        for _ in range(HOLDS):
            target.feed(HOLDERS[0])
            wait_holding(target, HOLDERS[0])
            for name in HOLDERS[1:]:
                target.feed(name)
            all_read(target, HOLDERS)
    trace.check()
    held = target.ask("held")["answer"]
    assert len(held) == HOLDS * len(HOLDERS)
    for tid, begin_ns, end_ns in held:
        around = [one for one in trace.slices(tid, "holds GIL") if one[0] <= begin_ns / 1e3 and end_ns / 1e3 <= one[1]]
        assert len(around) == 1, "a hold is missing"
        slack_us = (end_ns - begin_ns) / 1e3 - HOLD_US  # how long it was kept from going on
        assert around[0][1] - around[0][0] >= HOLD_US + slack_us
    for tid in (tids[name] for name in HOLDERS[1:]):  # they came while another had it, which had long to go
        others = [(begin_ns, end_ns) for other, begin_ns, end_ns in held if other != tid]
        waits = [one for one in trace.slices(tid, "waits for GIL")
                 if any(begin_ns / 1e3 <= one[0] <= end_ns / 1e3 for begin_ns, end_ns in others)]
        assert len(waits) >= 1


def test_waiters(target, tmp_path):
    """Whoever waited before it was traced does so from the beginning, and is seen to in the counter."""
    tids = target.began["tids"]
    target.feed(HOLDERS[0], 20)  # one hold after the other
    wait_holding(target, HOLDERS[0])
    with tracing(target.pid, tmp_path / "out.json", "--max-overhead", "off") as trace:
        all_read(target, HOLDERS)
        target.feed(HOLDERS[1])
        all_read(target, HOLDERS)
    trace.check()
    counts = [event["args"]["threads"] for event in trace.events if event["ph"] == "C"]
    assert counts and min(counts) == 0


def test_stat(python, target):
    """The figures: counts to the single event, who waited for whom, where the GIL was kept."""
    tids = target.began["tids"]
    with measuring(target.pid, "--max-overhead", "off") as document:
        for name in CALLERS:
            target.feed(name)
        all_read(target, CALLERS)
        target.feed(HOLDERS[0])
        wait_holding(target, HOLDERS[0])
        target.feed(HOLDERS[1])
        all_read(target, HOLDERS)
    assert (document["method"], document["method_why"]) == ("exact", None)
    assert (document["violations"], document["events_lost"]) == (0, 0)
    assert document["exact_seconds"] == pytest.approx(document["seconds"], abs=0.001)
    rows = {row["tid"]: row for row in document["threads"]}
    assert {tid for tid, row in rows.items()} >= set(tids.values())
    for row in rows.values():
        assert row["has"] + row["waits"] + row["without"] + row["unknown"] == pytest.approx(1, abs=1e-6)
        assert row["half_width"] == 0 and row["on_cpu"] is not None
    for name in CALLERS:
        assert (rows[tids[name]]["acquisitions"], rows[tids[name]]["name"]) == (CALLS + 1, name)
    held = target.ask("held")["answer"]
    first, second = tids[HOLDERS[0]], tids[HOLDERS[1]]
    for tid, begin_ns, end_ns in held:
        assert rows[tid]["longest_hold_us"] >= (end_ns - begin_ns) // 1000
        assert rows[tid]["has"] * document["seconds"] >= (end_ns - begin_ns) / 1e9 - 1e-6
    assert sum(row["has"] for row in rows.values()) == pytest.approx(document["gil"]["held"], abs=1e-6)
    waited = {(pair["waiter"], pair["holder"]): pair["us"] for pair in document["blame"]}
    assert waited[second, first] > 0 and rows[second]["wait_count"] >= 1
    assert waited[second, first] <= rows[second]["wait_us"] + 1
    hogs = {tid: [hog for hog in document["hogs"] if hog["tid"] == tid] for tid in (first, second)}
    for tid in first, second:
        assert sum(hog["held_us"] for hog in hogs[tid]) >= HOLD_US
        assert {hog["function"] for hog in hogs[tid]} <= {None, "hold", "now_ns", "wait"}  # None: not seen in time
    assert max(hog["waiters"] for hog in hogs[first]) == 1


def test_intervals(target):
    """Each take is in one of them, but for those of which it is said that they were lost."""
    tids = target.began["tids"]
    with measuring(target.pid, "--max-overhead", "off", "--interval", "20ms") as document:
        for name in CALLERS:
            target.feed(name)
        all_read(target, CALLERS)
    for name in CALLERS:
        rows = [row for line in document["lines"] for row in line["threads"] if row["tid"] == tids[name]]
        takes, lost = sum(row["acquisitions"] for row in rows), sum(line["events_lost"] for line in document["lines"])
        assert takes < CALLS + 1 if lost else takes == CALLS + 1
    assert all(line["violations"] == 0 and line["seconds"] < 60 for line in document["lines"])


def test_windows(target, tmp_path):
    """Where all of it would cost too much, windows are traced; what is in them is as exact."""
    tids = target.began["tids"]
    with tracing(target.pid, tmp_path / "out.json", "--max-overhead", "2%") as trace:
        for _ in range(10):
            for name in CALLERS:
                target.feed(name)
            all_read(target, CALLERS)
    trace.check()
    assert trace.summary["method"] == "windows" and "--max-overhead 2%" in trace.summary["method_why"]
    assert trace.metadata["windows"] >= 1 and trace.summary["exact_seconds"] < trace.summary["seconds"]
    takes = sum(len(trace.slices(tids[name], "holds GIL")) for name in CALLERS)
    assert 0 < takes < 10 * len(CALLERS) * (CALLS + 1)


WITH_TRACEPOINTS = ["unshare", "-m", "sh", "-c",
                    'mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null; exec "$@"', "sh"]


def test_who_wakes_whom(python, target, tmp_path):
    """Where the scheduler's tracepoints are open: in which state a thread sleeps, and who wakes it."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("takes root and unshare to reach the tracepoints")
    tids = target.began["tids"]
    with tracing(target.pid, tmp_path / "out.json", "--max-overhead", "off", wrap=WITH_TRACEPOINTS) as trace:
        for _ in range(HOLDS):
            target.feed(HOLDERS[0])
            wait_holding(target, HOLDERS[0])
            for name in HOLDERS[1:]:
                target.feed(name)  # they sleep until it lets go, and are woken by whoever did
            all_read(target, HOLDERS)
    trace.check()
    if not trace.metadata["wakers_seen"]:
        pytest.skip("the tracepoints of the scheduler cannot be reached here")
    assert trace.metadata["states_seen"]
    runs = {tid: trace.slices(tid, track=2) for tid in trace.tids()}
    for tid in tids.values():
        for before, after in zip(runs.get(tid, []), runs.get(tid, [])[1:]):
            assert before[1] <= after[0] + 0.0015
    names = {one[2]["name"] for tid in runs for one in runs[tid]}
    assert {"on CPU", "off CPU (S)", "woken"} <= names
    ours = set(tids.values())
    wakers = {one[2]["args"]["waker"] for tid in (tids[name] for name in HOLDERS[1:]) for one in runs[tid]
              if one[2]["name"] == "woken"}
    assert wakers & ours, "nobody of the process woke one that waited"
    woken = [one for tid in runs for one in runs[tid] if one[2]["name"] == "woken" and one[2]["args"]["waker"] in ours]
    arrows = [event for event in trace.events if event["ph"] == "f" and event["name"] == "wake-up"]
    assert 0 < len(arrows) <= len(woken)


def test_chosen_threads_only(target, tmp_path):
    """--thread leaves the tracks of the others out, and arrows that would come from nowhere; --long lists holds."""
    tids = target.began["tids"]
    with tracing(target.pid, tmp_path / "out.json", "--max-overhead", "off", "--thread", "call-[01]", "--thread",
                 tids[HOLDERS[0]], "--long", "5ms") as trace:
        for name in CALLERS + HOLDERS:
            target.feed(name)
        all_read(target, CALLERS + HOLDERS)
    trace.check()
    chosen = {tids["call-0"], tids["call-1"], tids[HOLDERS[0]]}
    assert set(trace.tids()) == chosen
    tracks = {(event["tid"] - FIRST_TRACK) // TRACKS for event in trace.events if "tid" in event}
    assert tracks <= chosen
    for name in CALLERS[:2]:
        assert len(trace.slices(tids[name], "holds GIL")) == CALLS + 1


def test_what_kept_it_is_listed(target, tmp_path):
    with begun("trace", "-p", target.pid, "-o", tmp_path / "out.json", "--max-overhead", "off", "--long", "5ms") as run:
        target.feed(HOLDERS[0])
        all_read(target, HOLDERS)
        text = run.end().out
    assert "What keeps it for 5.0 ms and more" in text
    assert [line for line in text.splitlines() if HOLDERS[0] in line and ": once, for " in line]


def test_short_holds_have_a_place(python, folders):
    """Also of those that are over before their beginning is told of, which waits for records that come late."""
    with running(python, folders, "exact.py", "1", "15000", pipes=CALLERS + HOLDERS) as target:
        target.wait_reading(target.began["tids"][HOLDERS[0]], HOLDERS[0])
        target.wait_idle()
        with measuring(target.pid, "--max-overhead", "off", "--long", "10ms", "--interval", "50ms") as document:
            for number in range(SHORT_HOLDS):
                target.feed(HOLDERS[0])
                until(lambda: len(target.ask("held")["answer"]) > number, "a hold to be over")
    places = {hog["function"] for line in document["lines"] for hog in line["hogs"] if hog["longest_us"] < 20000}
    assert "hold" in places


def test_a_hold_that_began_before_has_a_place(target):
    """Nobody waits for it, and nothing happens: who has the GIL is known all the same."""
    target.tell("keep", "call-0")
    until(lambda: (target.call_of(target.pid) or [None])[:2] == [READ, target.fds["call-0"]], "the main thread to hold")
    with begun("stat", "--exact", "--json", "-d", "1h", "--interval", "100ms", "--max-overhead", "off", "-p",
               target.pid) as run:
        documents = [json.loads(run.process.stdout.readline()) for _ in range(5)]
        target.feed("call-0", 2)  # one for the thread that reads there anyway
        assert target.listen() == {"answer": None}
        run.end()
    row = next(row for row in documents[-1]["threads"] if row["tid"] == target.pid)
    assert (row["has"], row["acquisitions"]) == (1, 0)
    hogs = [hog for document in documents for hog in document["hogs"] if hog["tid"] == target.pid]
    assert "wait_holding" in {hog["function"] for hog in hogs}
