"""Profiles of calls: what Python's pstats and a reader of callgrind make of them, against the times that folded has."""
import collections
import pstats
import re

import pytest
from made import folded

pytestmark = pytest.mark.slow

PLAYS = ("app", "processes", "free", "deep")
MODES = ("active", "wall", "gil", "wait", "blame")
BUILT_IN = {"<waits for the GIL>", "<without the GIL>", "<unknown whether it has the GIL>"}


def own_and_whole(path):
    """By frame, microseconds of its own and with all that it called."""
    own, whole = collections.Counter(), collections.Counter()
    for stack, us in folded(path):
        own[stack[-1]] += us
        for frame in set(stack):
            whole[frame] += us
    return own, whole


def same(times, expected):
    times = {name.replace(";", ":"): us for name, us in times.items() if us >= 1}
    assert times.keys() == {name for name, us in expected.items() if us}
    for name, us in times.items():
        assert us == pytest.approx(expected[name], rel=0.001, abs=50), name


class Callgrind:
    """own: nanoseconds of each event by (file, function, line); calls: by the two functions."""

    def __init__(self, path):
        self.own, self.calls = collections.Counter(), collections.Counter()
        names, file, callee_file, called = {}, {}, {}, None
        with open(path, encoding="utf-8", newline="\n") as lines:
            for line in lines.read().splitlines():
                name = re.fullmatch(r"(c?)f([iln])=(?:\((\d+)\))? ?(.*)", line)
                if name and name.group(2) == "n":
                    number = name.group(3)
                    names.setdefault(number, name.group(4))
                    key = ((callee_file if name.group(1) else file)["name"], names[number])
                    if name.group(1):
                        callee = key
                    else:
                        function = key
                elif name:
                    (callee_file if name.group(1) else file)["name"] = name.group(4)
                elif line.startswith("calls="):
                    called = callee
                elif line[:1].isdigit():
                    number, *costs = map(int, line.split(" "))
                    if called:
                        self.calls[function, called] += costs[0]
                    else:
                        assert costs[0] == sum(costs[1:6]) and costs[6] <= costs[3] + costs[4]
                        self.own[function + (number,)] += costs[0]
                    called = None


def frame(file, name, line):
    return name if file in ("???", "~") else "%s (%s%s)" % (name, file, ":%d" % line if line else "")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("play", PLAYS)
def test_callgrind(draw, play, mode):
    profile = Callgrind(draw(play, "callgrind", mode))
    expected, _ = own_and_whole(draw(play, "folded", mode))
    times = collections.Counter()
    for (file, name, line), ns in profile.own.items():
        times[frame(file, name, line)] += ns / 1000
    same(times, expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("play", PLAYS)
def test_pstats(draw, play, mode):
    stats = pstats.Stats(draw(play, "pstats", mode)).stats
    own, whole = own_and_whole(draw(play, "folded", mode, "function"))
    times = collections.Counter()
    for (file, _, name), (_, _, ns, _, callers) in stats.items():
        if name not in BUILT_IN:
            times[frame(file, name, 0)] += ns * 1e6
        for (caller_file, _, caller), (_, _, call_ns, _) in callers.items():
            if name in BUILT_IN:
                times[frame(caller_file, caller, 0)] += call_ns * 1e6
    same(times, own)
    same({frame(file, name, 0): entry[3] * 1e6 for (file, _, name), entry in stats.items() if name not in BUILT_IN}, whole)


def test_empty(draw):
    assert pstats.Stats(draw("empty", "pstats")).total_tt == 0
    assert not Callgrind(draw("empty", "callgrind")).own


def test_hostile(draw):
    """No name breaks a line, or out of the quotes of a reader."""
    with open(draw("hostile", "callgrind"), encoding="utf-8", newline="\n") as file:
        for line in file.read().split("\n"):
            assert re.match(r"#|[a-z]+[:=]|\d+( \d+){8}$|$", line) and line.isprintable(), line
    for key in pstats.Stats(draw("hostile", "pstats")).stats:
        assert key[0].isprintable() and key[2].isprintable()
