"""A stack that is far deeper than what is read of one: its innermost frames, and why it ends."""
import pytest

import gilspy
import recording
from target import running, until

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
