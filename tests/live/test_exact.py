"""Exact tracing against the truth that a target keeps itself: counts to the single event, holds by its own clock."""
import pytest

from target import running, until
from tracing import need_watch, tracing

CALLS, HOLD_US, HOLDS = 2000, 30000, 4
NANOSLEEPS = (35, 230)  # nanosleep, clock_nanosleep
CALLERS = ["call-%d" % number for number in range(3)]
HOLDERS = ["hold-%d" % number for number in range(3)]

pytestmark = pytest.mark.usefixtures("with_gil")


@pytest.fixture(scope="module", autouse=True)
def watchable():
    need_watch()


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
    until(lambda: (target.call_of(tid) or [None])[0] in NANOSLEEPS, "%s to sleep" % name)


def all_read(target, names):
    for name in names:
        target.wait_reading(target.began["tids"][name], name)


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
