"""The page that trace writes: what lies in its packed numbers is what the target did, to the single event."""
import base64
import json
import re

import pytest

from target import running
from tracing import begun

CALLS, HOLD_US = 500, 30000
CALLERS = ["call-%d" % number for number in range(3)]
HOLDERS = ["hold-%d" % number for number in range(3)]
HOLDS, WORDS, MERGED, FRAME = 0, 5, 8, 2

pytestmark = pytest.mark.usefixtures("watchable", "with_gil")


def wanted(python):
    """How it is traced does not depend on the page: a few layouts do."""
    return python.label.startswith(("3.8", "3.11", "3.13"))


class Numbers:
    def __init__(self, text):
        self.bytes, self.at = base64.b64decode(text), 0

    def next(self):
        value = shift = 0
        while True:
            byte = self.bytes[self.at]
            self.at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def row(self):
        """(begin, end, word, value, who had it before or None) of each."""
        marks, end = [], 0
        for _ in range(self.next()):
            begin = end + self.next()
            end = begin + self.next()
            code, value, _lock = self.next(), self.next(), self.next()
            assert not code & MERGED
            before = self.next()
            if before:
                self.next()
            marks.append((begin, end, code % MERGED, value, before - 1 if before else None))
        return marks


def read(path):
    """Threads by tid: index, states and functions."""
    page = path.read_text(encoding="utf-8")
    names = json.loads(re.search(r'id="names">(.*?)</script>', page, re.S).group(1))
    numbers = Numbers(re.search(r'id="data">(.*?)</script>', page, re.S).group(1))
    nodes = [None] + [(numbers.next(), numbers.next(), numbers.next()) for _ in range(numbers.next() - 1)]
    threads = {}
    for index, (tid, _main, _rank, name) in enumerate(names["threads"]):
        states, _runs, functions = numbers.row(), numbers.row(), numbers.row()
        seen = {names["places"][nodes[mark[3]][2]][0] for mark in functions if nodes[mark[3]][1] == FRAME}
        threads[tid] = {"index": index, "name": name, "states": states, "seen": seen}
    waiters = [numbers.row() for _ in range(names["locks"]) if numbers.next()]
    assert [numbers.next(), numbers.next()] == [0, 0]  # with a GIL neither stopped worlds nor collections
    assert numbers.at == len(numbers.bytes)
    return page, threads, waiters


def test_page_has_each_hold(python, folders, tmp_path):
    path = tmp_path / "out.html"
    with running(python, folders, "exact.py", str(CALLS), str(HOLD_US), pipes=CALLERS + HOLDERS) as target:
        tids = target.began["tids"]
        for name in CALLERS + HOLDERS:
            target.wait_reading(tids[name], name)
        target.wait_idle()
        with begun("trace", "--json", "-p", target.pid, "-o", path, "--max-overhead", "off") as run:
            for name in CALLERS:
                target.feed(name)
            for name in CALLERS:
                target.wait_reading(tids[name], name)
            summary = json.loads(run.end().out)
    page, threads, waiters = read(path)
    assert (summary["method"], summary["format"], summary["violations"]) == ("exact", "html", 0)
    indexes = {thread["index"] for thread in threads.values()}
    for name in CALLERS:
        holds = [mark for mark in threads[tids[name]]["states"] if mark[2] == HOLDS]
        assert len(holds) == CALLS + 1
        assert all(mark[4] in indexes for mark in holds if mark[4] is not None)
    every = sorted(mark[:2] for thread in threads.values() for mark in thread["states"] if mark[2] == HOLDS)
    assert all(before[1] <= after[0] + 1 for before, after in zip(every, every[1:]))
    assert len(waiters) == 1
    assert "%d of the GIL, 0 lost, 0 out of order" % summary["events"] in page
