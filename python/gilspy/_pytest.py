"""A pytest plugin: which tests keep the GIL or wait for it, and a limit for those that must not.

    pytest --gilspy                         ends with the tests that held or waited longest, and where
    pytest --gilspy-report DIR              a report for each test, as html

    @pytest.mark.gil(max_hold="5ms")        fails a test whose code keeps the GIL longer than that while another thread
                                            asks for it, and names the C function that did
    @pytest.mark.gil(max_wait_share=0.2)    fails a test whose thread waits for the GIL for more of the time

Nothing is measured unless it is asked for. For max_hold a thread asks for the GIL all the time and Python code is made to
answer at once (sys.setswitchinterval), so that what is left is code that does not let go of it. On a busy machine whoever has
the GIL may wait for a processor: a hold that was too long by no more than that is a warning.
"""
from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
import threading
import warnings
from typing import Any, Callable, Dict, Generator, List, Optional, Tuple, Union

import pytest

from . import _api
from ._documents import Hog, Stat
from ._errors import Error

PROPERTY = "gilspy"
SHOWN = 10
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0}
LEAST_HOLD_S = 0.001
LOOKS_A_HOLD = 10
ASK_S = 0.0002


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gilspy", "the GIL")
    group.addoption("--gilspy", action="store_true", help="end with the tests that held the GIL or waited for it longest")
    group.addoption("--gilspy-report", metavar="DIR", help="write a report of each test there, as html")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gil(max_hold, max_wait_share): fail the test when its code keeps the GIL longer than "
                                       "max_hold ('5ms') or its thread waits for it for more than this share of the time")
    config.pluginmanager.register(Plugin(config), "gilspy-plugin")


def seconds(value: Union[str, int, float]) -> float:
    """"5ms", "200us", "1s", or seconds as a number."""
    match = re.fullmatch(r"\s*([0-9.]+)\s*(us|ms|s|)\s*", str(value))
    if not match or not float(match.group(1)) > 0:
        raise pytest.UsageError("gil: a time is written '5ms', '200us' or 0.005, and not %r" % (value,))
    return float(match.group(1)) * UNITS[match.group(2)]


class Limits:
    """What a mark allows."""

    def __init__(self, mark: pytest.Mark) -> None:
        unknown = set(mark.kwargs) - {"max_hold", "max_wait_share"}
        if mark.args or unknown or not mark.kwargs:
            raise pytest.UsageError("gil takes max_hold and max_wait_share, by name")
        hold = mark.kwargs.get("max_hold")
        self.hold: Optional[float] = None if hold is None else seconds(hold)
        if self.hold is not None and self.hold < LEAST_HOLD_S:
            raise pytest.UsageError("gil: max_hold cannot be less than 1ms")
        self.wait_share: Optional[float] = mark.kwargs.get("max_wait_share")

    def rate_hz(self) -> float:
        return 1000.0 if self.hold is None else min(10000.0, max(1000.0, LOOKS_A_HOLD / self.hold))

    def broken(self, stat: Stat, tid: int, waited_us: float) -> List[str]:
        """What the test did that it must not. tid: the thread that ran it; waited_us: for a processor, by any thread."""
        found = []
        hold = float("inf") if self.hold is None else self.hold
        for hog in keepers(stat.hogs):
            told = "it kept the GIL for %.1f ms, and may for %.1f ms: %s" % (hog.longest_us / 1e3, hold * 1e3, place(hog))
            if hog.longest_us - waited_us > hold * 1e6:
                found.append(told)
            elif hog.longest_us > hold * 1e6:
                warnings.warn("gil: %s; a thread waited for a processor for %.1f ms meanwhile" % (told, waited_us / 1e3),
                              stacklevel=2)
        share = next((thread.waits for thread in stat.threads if thread.tid == tid), 0.0)
        if self.wait_share is not None and share > self.wait_share:
            found.append("it waited for the GIL for %.0f %% of the time, and may for %.0f %%"
                         % (100 * share, 100 * self.wait_share))
        return found


def keepers(hogs: List[Hog]) -> List[Hog]:
    """Those that had most of their longest hold: the code that it ended or began in may have had little of it."""
    return [hog for hog in hogs if 2 * hog.held_us > hog.longest_us] or hogs[:1]


def place(hog: Hog) -> str:
    where = "in %s (%s:%s)" % (hog.function, hog.file, hog.line)
    return where if hog.native is None else "%s of %s, %s" % (hog.native, hog.module, where)


def waits_for_processor() -> Dict[str, float]:
    """Microseconds for which each thread was ready to run and had no processor, so far (fs/proc/base.c, schedstat)."""
    found = {}
    for tid in os.listdir("/proc/self/task"):
        try:
            with open("/proc/self/task/%s/schedstat" % tid) as file:
                found[tid] = int(file.read().split()[1]) / 1e3
        except (OSError, IndexError):
            continue  # it has ended, or the kernel does not tell
    return found


class Asking:
    """A thread that asks for the GIL all the time, which Python code gives up at once meanwhile."""

    def __init__(self, hold: float) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="gilspy asks", daemon=True)
        self._interval = hold / LOOKS_A_HOLD

    def _ask(self) -> None:
        while not self._over.wait(ASK_S):
            pass

    def __enter__(self) -> None:
        self._before = sys.getswitchinterval()
        sys.setswitchinterval(min(self._before, self._interval))
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        sys.setswitchinterval(self._before)


class Plugin:
    def __init__(self, config: pytest.Config) -> None:
        self._table = bool(config.getoption("--gilspy"))
        self._folder: Optional[str] = config.getoption("--gilspy-report")
        self._watch: Optional[_api.StatWatch] = None
        self._rows: List[Tuple[str, Dict[str, Any]]] = []
        if self._folder:
            self._folder = os.path.abspath(self._folder)
            os.makedirs(self._folder, exist_ok=True)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        mark = item.get_closest_marker("gil")
        limits = Limits(mark) if mark else None
        record = _api.record(rate=1000) if self._folder else None
        if record is not None:
            record.start()
        plain = run = item.runtest
        if self._table:
            run = functools.partial(self._measured, item, run)
        if limits is not None:
            run = functools.partial(self._limited, limits, run)
        item.runtest = run  # type: ignore[method-assign]
        yield
        item.runtest = plain  # type: ignore[method-assign]
        if record is not None:
            record.stop().save(os.path.join(str(self._folder), re.sub(r"[^\w.-]+", "_", item.nodeid)[-200:] + ".html"))

    def _limited(self, limits: Limits, runtest: Callable[[], None]) -> None:
        watch = _api.stat(rate=limits.rate_hz(), long=limits.hold)
        watch.start()
        before = waits_for_processor()
        try:
            with contextlib.nullcontext() if limits.hold is None else Asking(limits.hold):
                runtest()
        finally:
            after = waits_for_processor()
            stat = watch.stop()
        waited_us = max((after[tid] - before[tid] for tid in before if tid in after), default=0.0)
        broken = limits.broken(stat, threading.get_native_id(), waited_us)
        if broken:
            pytest.fail("gil: " + "\n".join(broken), pytrace=False)

    def _measured(self, item: pytest.Item, runtest: Callable[[], None]) -> None:
        self._begin()
        try:
            runtest()
        finally:
            self._end(item)

    def _begin(self) -> None:
        """One run for all tests; what was since the last of them is none of this one's."""
        if self._watch is None:
            self._watch = _api.stat(long=LEAST_HOLD_S)
            self._watch.start()
        else:
            self._watch.now()

    def _end(self, item: pytest.Item) -> None:
        if self._watch is None:
            return
        stat = self._watch.now()
        placed = [hog for hog in stat.hogs if hog.function is not None]
        hog = max(keepers(placed), key=lambda hog: hog.longest_us, default=None)
        waits = sum(thread.wait_us or 0 for thread in stat.threads)
        item.user_properties.append((PROPERTY, {"hold_us": stat.gil.longest_hold_us or 0, "wait_us": waits,
                                                "held": stat.gil.held, "place": place(hog) if hog else ""}))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """With xdist this is called where the tests are told of, and the figures come along with the report."""
        if report.when == "call":
            self._rows += [(report.nodeid, value) for name, value in report.user_properties
                           if name == PROPERTY and isinstance(value, dict)]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self._table or not self._rows:
            return
        terminalreporter.section("the GIL, by gilspy")
        terminalreporter.line("%12s %12s %7s  test, and what held longest" % ("longest hold", "waited", "held"))
        for nodeid, row in sorted(self._rows, key=lambda row: -max(row[1]["hold_us"], row[1]["wait_us"]))[:SHOWN]:
            terminalreporter.line("%9.1f ms %9.1f ms %5.0f %%  %s" % (
                row["hold_us"] / 1e3, row["wait_us"] / 1e3, 100 * (row["held"] or 0), nodeid))
            if row["place"]:
                terminalreporter.line(" " * 35 + row["place"])

    def pytest_unconfigure(self) -> None:
        if self._watch is not None:
            try:
                self._watch.stop()
            except Error:
                pass
