"""Samples as lines of JSON: what a program adds up from them is what folded has."""
import collections
import json
import shutil
import subprocess

import pytest
from made import folded

MODES = ("active", "wall", "cpu", "gil", "wait", "blame")


def load(path):
    with open(path, encoding="ascii") as file:
        lines = [json.loads(line) for line in file]
    assert lines[0]["type"] == "run" and lines[0]["schema"] == 1 and lines[-1]["type"] == "end"
    return lines


def name(frame):
    if "gap" in frame:
        return "[gap: %s]" % frame["gap"]
    text = frame.get("qualname", frame["fn"]).rpartition("<locals>.")[2]
    if frame.get("module") or frame.get("file"):
        text += " (%s%s)" % (frame.get("module") or frame["file"], ":%d" % frame["line"] if frame.get("line") else "")
    return text.replace(";", ":")


def names(stack):
    return [name(frame) for frame in reversed(stack)] or ["[no Python frames]"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("play", ("app", "processes", "free", "deep"))
def test_times(draw, play, mode):
    lines = load(draw(play, "jsonl", mode))
    commands = {line["pid"]: " ".join(line["command"]) for line in lines if line["type"] == "process"}
    times = collections.Counter()
    for sample in lines:
        for thread in sample.get("threads", ()):
            process = ["%d: %s" % (sample["pid"], commands[sample["pid"]])] if len(commands) > 1 else []
            stack = names(thread["stack"])
            if mode == "blame":
                holder = thread["holder"]
                stack = (names(holder["stack"]) if holder else ["[holder unknown]"]) + ["[delays]"] + stack
            times[tuple(process + stack)] += sample["weight_us"]
            if sample["gap_us"]:
                times[tuple(process + ["[gap: sampler late]"])] += sample["gap_us"]
    expected = collections.Counter()
    for stack, time in folded(draw(play, "folded", mode)):
        expected[tuple(stack)] += time
    assert times == expected


def test_keys(draw):
    lines = load(draw("app", "jsonl", "wall"))
    samples = [line for line in lines if line["type"] == "sample"]
    assert len(samples) == lines[-1]["samples"] == 200 and lines[-1]["quality"]["torn"] == 8
    for sample in samples:
        assert list(sample) == ["type", "time_us", "pid", "weight_us", "gap_us", "threads"]
        for thread in sample["threads"]:
            assert list(thread) == ["tid", "name", "gil", "evidence", "lock", "runnable", "stack"]
            assert all(list(frame) in (["fn", "file", "line"], ["fn", "qualname", "file", "line"], ["gap"])
                       for frame in thread["stack"])
    assert sum(sample["weight_us"] + sample["gap_us"] for sample in samples) == lines[-1]["seconds"] * 1e6
    assert samples[-1]["time_us"] - lines[0]["begin_us"] == lines[-1]["seconds"] * 1e6


def test_jq(draw):
    """The line that the manual page has."""
    if not shutil.which("jq"):
        pytest.skip("no jq here, which script/setup installs")
    program = ('select(.type == "sample") | .weight_us as $us | .threads[] | select(.gil == "holds") '
               '| "\\(.name) \\(.stack[0].fn) \\($us)"')
    lines = subprocess.run(["jq", "-r", program, draw("app", "jsonl", "gil")], check=True, capture_output=True,
                           timeout=60, encoding="utf-8").stdout.splitlines()
    times = collections.Counter()
    for line in lines:
        thread, function, us = line.split()
        times[thread, function] += int(us)
    assert times == {("worker-1", "match"): 720000, ("worker-2", "match"): 1280000}
