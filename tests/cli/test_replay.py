"""A recording in the screen of top."""
import os
import re

import pytest

import gilspy
from test_errors import check_failure

pytest.importorskip("pyte", reason="the screen is looked at with pyte, the package python3-pyte")
from terminal import screen  # noqa: E402

RECORDING = os.path.join(os.path.dirname(__file__), "..", "golden", "recording-1.gilspy")  # of 5 s
END, BEGIN = r" 5\.0 s of 5\.0 s", r" (\d+ [mu]s|[0-3]\.\d s) of 5\.0 s"


def test_back_and_forward():
    """Whoever goes back sees what was there then, and at the end again the same as the first time."""
    with screen(RECORDING, TZ="UTC") as top:
        top.wait_for("HAS%", BEGIN, "a recording: , . a second back")
        top.press(">")
        top.wait_for(r"00:00:04," + END, r"^◌ .* 1001 Thread-")
        first = top.text()
        top.press("<")
        top.wait_for(BEGIN)
        top.press(" ")
        top.wait_for("PAUSED")
        top.press(".", ".")
        top.wait_for(r" [2-4]\.\d s of")
        there = top.text()
        top.press(",", ".")
        top.wait(lambda: top.text() == there, "the same moment once more")
        top.press(" ", ">")
        top.wait(lambda: top.text() == first, "the same end")
        top.press("+", "+")
        top.wait_for("x5")
        top.press("-", "w")
        top.wait_for("x2", "has no process")
        top.press("q")
        assert top.wait_end()[0] == 0
        top.check_restored()


def test_goes_on_by_itself():
    with screen(RECORDING, "--to", "4s") as top:
        top.wait_for("HAS%")
        top.press(*"+" * 9)
        top.wait_for(r"4\.0 s of 4\.0 s, x100")
        top.press("q")
        assert top.wait_end()[0] == 0


def test_once():
    done = gilspy.run("top", RECORDING, "--once", env={"LC_ALL": "C.UTF-8", "TZ": "UTC"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "00:00:04, 5.0 s of 5.0 s" in done.stdout and "100 Hz" not in done.stdout
    assert re.search(r"^● .* 1002 Thread-2 +Class_2\.function_2 ", done.stdout, re.M)


@pytest.mark.parametrize("words, status, told", [
    ((RECORDING, "-r", "10"), 2, ("--rate is for a process",)),
    ((RECORDING, "-o", "x"), 2, ("--output is for --json and --once",)),
    ((RECORDING, "--", "true"), 2, ("-- COMMAND is for a process",)),
    (("--from", "3s", "-p", "1"), 2, ("parts of a recording",)),
    ((RECORDING, "--from", "1h", "--once"), 1, ("no sample in that part",)),
    (("not.there", "--once"), 1, ("not.there", "No such file"))])
def test_refused(words, status, told):
    check_failure(gilspy.run("top", *words), status, *told)
