"""Deep stacks: one that is far deeper than what is read of it, and one that is another each time."""
import pathlib
import re

import pytest

import gilspy
import recording
from target import running, until

TARGETS = pathlib.Path(__file__).parent / "targets"
DEPTH, LIMIT = 600000, 100000
GAP = "deeper than %d frames" % LIMIT
pytestmark = pytest.mark.usefixtures("watchable")


def wanted(python):
    return python.label.startswith(("3.11.7-py", "3.12.1-py", "3.13.0-py")) and not python.debug


def frames_of(pid, *words):
    return [frame["function"] for frame in gilspy.threads_by_name(gilspy.dump(pid, *words))["deep"]["frames"]]


@pytest.mark.slow
def test_too_deep(python, folders, tmp_path):
    with running(python, folders, "deep.py", str(DEPTH), pipes=["begin"]) as target:
        said = [target.began, target.listen()]
        assert {"deep": True} in said
        tid = next(one for one in said if "tids" in one)["tids"]["deep"]
        target.wait_reading(tid, "begin")
        frames = frames_of(target.pid)
        assert frames[-1] == GAP and len(frames) == LIMIT + 1
        assert frames[:2] == ["wait", "descend"] and set(frames[1:-1]) == {"descend"}
        # It moves, and does so on top of all that.
        target.feed("begin")
        until(lambda: "descend" in frames_of(target.pid)[:2], "it to compute")
        run = recording.record(target.pid, tmp_path / "deep.gilspy", "-d", "2", "-r", "10")
        stacks = recording.draw(tmp_path / "deep.gilspy", "-F")
        assert run["samples"] > 0
        assert any(stack[0] == "[gap: %s]" % GAP for stack in stacks)


def turns_of_lines():
    """By which line of the target's it calls itself in which turn."""
    found = {}
    for number, line in enumerate((TARGETS / "turns.py").read_text().splitlines(), 1):
        if "(left - 1, turn)" in line:
            found[number] = 0 if line.endswith("+ 1") else 1 if "return 1 +" in line else 2
    assert len(found) == 6
    return found


@pytest.mark.pythons(fits=lambda python: python.at_least >= (3, 11))
def test_turns(python, folders, tmp_path):
    lines = turns_of_lines()
    with running(python, folders, "turns.py") as target:
        recording.record(target.pid, tmp_path / "turns.gilspy", "-r", "max", "-d", "700ms")
    deepest = 0
    for stack in recording.draw(tmp_path / "turns.gilspy", "--thread", "turns"):
        at = [int(number) for number in re.findall(r"turns\.py:(\d+)", ";".join(stack[:-1]))]
        assert len({lines[number] for number in at if number in lines}) <= 1, stack
        deepest = max(deepest, len(stack))
    assert deepest > 100
