"""What recordings have besides stacks: who handles an exception, and instructions of bytecode."""
import json
import re

import pytest

from recording import LATE, draw, record
from target import running
import gilspy

FORMATS = ("html", "svg", "folded", "speedscope", "chrome", "gecko", "pprof", "callgrind", "pstats", "jsonl")


def old(python):
    return python.at_least < (3, 7)


def knows(python):
    return python.at_least >= (3, 7)


def parked(target):
    for name, tid in target.began["tids"].items():
        target.wait_reading(tid, "park")
    return target.ask("truth")


def threads(drawn):
    return {frames[0] for frames in drawn if LATE not in frames}


@pytest.mark.every_python
@pytest.mark.pythons(fits=knows)
def test_handled_exceptions(python, folders, tmp_path):
    """In the blocks that handle one, and in what these call, generators or not: as sys.exc_info() says."""
    path = tmp_path / "run.gilspy"
    with running(python, folders, "handled.py", pipes=["park"]) as target:
        truth = parked(target)["truth"]
        record(target.pid, path, "-r", "200", "-d", "100ms")
    handling = {name for name, handles in truth.items() if handles}
    assert {"handles", "cleans", "generator_handles", "called_generator", "two_generators"} == handling
    drawn = draw(path, "-t", "-m", "exception")
    assert threads(drawn) == handling
    assert drawn == {frames: us for frames, us in draw(path, "-t", "-m", "wall").items() if frames[0] in handling}
    rows = [json.loads(row) for row in gilspy.run("report", path, "-f", "jsonl", "-m", "exception", "-o", "-").stdout.splitlines()]
    assert all({thread["name"] for thread in row["threads"]} == handling for row in rows if row["type"] == "sample")


@pytest.mark.pythons(fits=old)
def test_unknown(python, folders, tmp_path):
    """An error before anything is sampled, and of a recording without them."""
    with running(python, folders, "handled.py", pipes=["park"]) as target:
        for words in (["-m", "exception"], ["--opcodes"]):
            done = gilspy.run("record", "-d", "50ms", "-p", target.pid, "-o", tmp_path / "out.svg", *words)
            assert done.returncode == 5 and " gilspy does not know " in done.stderr
        assert not (tmp_path / "out.svg").exists()
        record(target.pid, tmp_path / "run.gilspy", "-d", "50ms")
    done = gilspy.run("report", tmp_path / "run.gilspy", "-m", "exception", "-o", tmp_path / "out.svg")
    assert done.returncode == 1 and "which threads handled an exception" in done.stderr


@pytest.mark.every_python
@pytest.mark.pythons(fits=lambda python: python.at_least >= (3, 8))
def test_instructions(python, folders, tmp_path):
    """As dis shows the one that a frame is at, with what it is a form of; in each format, and with C frames within it."""
    path, native = tmp_path / "run.gilspy", tmp_path / "native.gilspy"
    with running(python, folders, "handled.py", pipes=["park"]) as target:
        truth = parked(target)["instructions"]
        record(target.pid, path, "--opcodes", "-r", "200", "-d", "100ms")
        record(target.pid, native, "--opcodes", "-n", "-r", "50", "-d", "100ms")
    drawn = draw(path, "-t", "-m", "wall")
    seen = {frames[0]: frames[-1] for frames in drawn if frames[0] in truth and LATE not in frames}
    assert {name: frame.split(" (")[0] for name, frame in seen.items()} == truth
    for frame in seen.values():
        assert re.fullmatch(r"(\w+)_\w+ \(\1\)|\w+", frame), frame
    assert python.at_least < (3, 11) or python.threaded or re.search("CALL\\)$", seen["plain"])
    for frames in draw(native, "-t", "-m", "wall"):
        if frames[0] in truth and LATE not in frames:
            at = [frame.split(" (")[0] for frame in frames].index(truth[frames[0]])
            assert "park" in frames[at - 1] and len(frames) > at + 1
    for name in FORMATS:
        done = gilspy.run("report", path, "-m", "wall", "-f", name, "-o", tmp_path / "drawn")
        assert (done.returncode, done.stderr) == (0, "")
