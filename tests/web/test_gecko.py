"""Profiles for the Firefox Profiler: whole by the rules of its processed format, and with the times that folded has."""
import collections
import json
import os
import subprocess

import pytest
from made import BUILD, folded

pytestmark = pytest.mark.slow

PLAYS = ("app", "processes", "free", "deep", "empty", "hostile")
MODES = ("active", "wall", "gil", "wait", "blame")
# Of src/types/profile.ts at version 60: of each column what its numbers count, or None.
COLUMNS = {
    "stackTable": {"prefix": "stackTable", "frame": "frameTable"},
    "frameTable": {"address": None, "inlineDepth": None, "category": "categories", "subcategory": None,
                   "func": "funcTable", "nativeSymbol": "nativeSymbols", "innerWindowID": None, "line": None, "column": None},
    "funcTable": {"name": "stringArray", "isJS": None, "relevantForJS": None, "resource": None, "source": "sources",
                  "lineNumber": None, "columnNumber": None},
    "resourceTable": {"lib": None, "name": "stringArray", "host": None, "type": None},
    "nativeSymbols": {"libIndex": None, "address": None, "name": "stringArray", "functionSize": None},
    "sources": {"id": None, "filename": "stringArray"},
    "samples": {"stack": "stackTable", "timeDeltas": None, "weight": None, "threadCPUDelta": None},
    "markers": {"name": "stringArray", "category": "categories", "phase": None, "startTime": None, "endTime": None,
                "data": None},
}


class Profile:
    def __init__(self, path):
        with open(path, encoding="ascii") as file:
            self.document = json.load(file)
        self.shared = self.document["shared"]
        self.categories = [category["name"] for category in self.document["meta"]["categories"]]

    def count(self, table):
        if table == "categories":
            return len(self.categories)
        return len(self.shared[table]) if table == "stringArray" else self.shared[table]["length"]

    def check(self):
        assert self.document["meta"]["preprocessedProfileVersion"] == 60
        tables = [(name, self.shared[name]) for name in list(COLUMNS)[:6]]
        for thread in self.document["threads"]:
            assert isinstance(thread["pid"], str) and isinstance(thread["isMainThread"], bool)
            tables += [(name, thread[name]) for name in ("samples", "markers")]
        for name, table in tables:
            assert table.keys() - {"length", "weightType"} == COLUMNS[name].keys()
            for column, target in COLUMNS[name].items():
                assert len(table[column]) == table["length"], (name, column)
                if target:
                    assert all(number is None or 0 <= number < self.count(target) for number in table[column])
        assert all(prefix is None or prefix < i for i, prefix in enumerate(self.shared["stackTable"]["prefix"]))
        schemas = {schema["name"] for schema in self.document["meta"]["markerSchema"]}
        for thread in self.document["threads"]:
            assert all(delta >= 0 for delta in thread["samples"]["timeDeltas"])
            assert {data["type"] for data in thread["markers"]["data"]} <= schemas

    def frame(self, number):
        frames, functions = self.shared["frameTable"], self.shared["funcTable"]
        function, line = frames["func"][number], frames["line"][number]
        name, source = self.shared["stringArray"][functions["name"][function]], functions["source"][function]
        if source is None:
            return name
        file = self.shared["stringArray"][self.shared["sources"]["filename"][source]]
        return "%s (%s%s)" % (name, file, ":%d" % line if line else "")

    def stack(self, number):
        frames = []
        while number is not None:
            frames.insert(0, self.frame(self.shared["stackTable"]["frame"][number]).replace(";", ":"))
            number = self.shared["stackTable"]["prefix"][number]
        return tuple(frames)

    def times(self):
        """Microseconds by stack."""
        by_number = collections.Counter()
        for thread in self.document["threads"]:
            for stack, ms in zip(thread["samples"]["stack"], thread["samples"]["weight"]):
                by_number[stack] += ms * 1000
        times = collections.Counter()
        for stack, us in by_number.items():
            times[self.stack(stack)] += us
        return times

    def category_us(self):
        sums = collections.Counter()
        for thread in self.document["threads"]:
            for stack, ms in zip(thread["samples"]["stack"], thread["samples"]["weight"]):
                category = self.shared["frameTable"]["category"][self.shared["stackTable"]["frame"][stack]]
                sums[self.categories[category]] += ms * 1000
        return sums


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("play", PLAYS)
def test_times(draw, play, mode):
    profile = Profile(draw(play, "gecko", mode))
    profile.check()
    expected = collections.Counter()
    for stack, us in folded(draw(play, "folded", mode)):
        expected[tuple(stack[play == "processes":])] += us  # its threads know their process
    times = {stack: us for stack, us in profile.times().items() if us >= 1}
    assert times.keys() == expected.keys()
    for stack, us in times.items():
        assert us == pytest.approx(expected[stack], rel=0.001, abs=50)


def test_categories(draw):
    """The time of each state, and of its CPU, is that of the mode for it."""
    profile = Profile(draw("app", "gecko", "wall"))
    sums = profile.category_us()
    for mode, names in (("gil", ("holds the GIL", "holds the GIL in native code")), ("wait", ("waits for the GIL",))):
        assert sum(sums[name] for name in names) == pytest.approx(
            sum(us for stack, us in folded(draw("app", "folded", mode)) if not stack[-1].startswith("[gap")), rel=0.02)
    cpu = sum(sum(thread["samples"]["threadCPUDelta"]) for thread in profile.document["threads"])
    assert cpu == pytest.approx(sum(us for _, us in folded(draw("app", "folded", "cpu"))), rel=0.02)


def test_marks(draw):
    """Long waits name who made them wait, and where."""
    threads = Profile(draw("app", "gecko")).document["threads"]
    marks = [data for thread in threads for data in thread["markers"]["data"]]
    assert {mark["type"] for mark in marks} == {"GIL hold", "GIL wait"}
    names = {"%s (%d)" % (thread["name"], thread["tid"]) for thread in threads}
    assert {mark["by"] for mark in marks if mark["type"] == "GIL wait"} <= names | {"unknown"}
    assert any("match" in mark["in"] for mark in marks)
    for thread in threads:
        table = thread["markers"]
        assert all(end - begin >= 20 for begin, end in zip(table["startTime"], table["endTime"]))


def test_many_samples(tmp_path):
    """What are too many samples for the viewer is summed up, without a loss of time."""
    path = str(tmp_path / "long.gecko.json")
    subprocess.run([os.path.join(BUILD, "tests", "bench_report"), path, "50000", "50", "gecko", "wall"], check=True,
                   timeout=120, stdout=subprocess.DEVNULL)
    profile = Profile(path)
    assert profile.document["gilspy"]["summed_up_within_us"] > 0
    threads = [thread["samples"] for thread in profile.document["threads"]]
    assert sum(samples["length"] for samples in threads) <= 2 << 20
    assert sum(sum(samples["weight"]) for samples in threads) == pytest.approx(50 * 500000, rel=1e-6)
