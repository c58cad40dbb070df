"""record --rotate: recordings one after the other, of which the last are kept, and report over several."""
import json
import os
import signal
import subprocess
import sys

import pytest

import gilspy
import recording
from target import running, until
from test_errors import check_failure
from test_record_cli import end_of, small_disk  # noqa: F401 (a fixture)

pytestmark = pytest.mark.slow

SPIN = "import time\nend = time.time() + %s\nwhile time.time() < end: sum(range(1000))\n"
PARENT = """import subprocess, sys
subprocess.run([sys.executable, "-c", %r])
""" % (SPIN % 2.5)


def name(number):
    return "a.%06d.gilspy" % number


def total(*paths, words=()):
    done = gilspy.run("report", *paths, "-i", "-t", "-F", "-f", "folded", "-o", "-", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return recording.read_folded(done.stdout)


def rotate(pid, folder, *words):
    done = gilspy.run("record", "-j", "-p", pid, "-r", 200, "-o", "a.gilspy", *words, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    return document, document.pop("rotated")


def test_only_what_this_run_made_is_told(spinning, tmp_path):
    for number in (1, 2):
        done = gilspy.run("record", "-p", spinning.pid, "--rotate", "1h,3", "-o", "a.gilspy", "-d", "300ms", cwd=tmp_path)
        assert done.returncode == 0 and done.stderr.startswith("gilspy: %s: " % name(number))
    assert sorted(os.listdir(tmp_path)) == [name(1), name(2)]


def test_a_stray_number(spinning, tmp_path):
    """The last ones are kept in the order of their numbers, also where one is far from the others."""
    for number in (1, 2, 3, 900000):
        (tmp_path / name(number)).write_bytes(b"")
    _, rotated = rotate(spinning.pid, tmp_path, "--rotate", "1h,4", "-d", "300ms")
    assert rotated == {"recordings": 1, "kept": [name(2), name(3), name(900000), name(900001)]}
    assert sorted(os.listdir(tmp_path)) == rotated["kept"]


def test_kept(spinning, tmp_path):
    """The last ones are kept, numbers go on over runs, and several are one with nothing between them."""
    document, rotated = rotate(spinning.pid, tmp_path, "--rotate", "1s,3", "-d", "4500ms")
    recording.check(document)
    made = rotated["recordings"]
    assert made > 3 and document["output"] == name(made)
    assert rotated["kept"] == sorted(os.listdir(tmp_path)) == [name(made - 2), name(made - 1), name(made)]
    paths = [tmp_path / each for each in rotated["kept"]]
    parts, joined = [total(path) for path in paths], total(*reversed(paths))
    for frames, us in joined.items():
        assert us == pytest.approx(sum(part.get(frames, 0) for part in parts), abs=len(paths))
    assert {frames for part in parts for frames in part} == set(joined)
    halves = [sum(total(*paths, words=words).values()) for words in (("--to", "1200ms"), ("--from", "1200ms"))]
    assert all(halves) and sum(halves) == pytest.approx(sum(joined.values()), abs=100)
    assert rotate(spinning.pid, tmp_path, "--rotate", "1h,3", "-d", "300ms")[1] == {
        "recordings": 1, "kept": [name(made - 1), name(made), name(made + 1)]}
    assert sorted(os.listdir(tmp_path)) == [name(made - 1), name(made), name(made + 1)]


def test_other_files_stay(spinning, tmp_path):
    others = ["a.gilspy", "a.12.gilspy", "a.000001.svg", "ba.000001.gilspy", "a.000001.gilspy.old"]
    for each in others:
        (tmp_path / each).write_bytes(b"")
    (tmp_path / (name(7) + ".part")).write_bytes(b"of a run that broke off")
    rotate(spinning.pid, tmp_path, "--rotate", "1s,1", "-d", "1500ms")
    assert sorted(os.listdir(tmp_path)) == sorted([*others, name(9)])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signals(spinning, tmp_path, number):
    """The last one is finished as the others are; when there was no time for that, it stays in its .part."""
    with gilspy.begun("record", "-p", spinning.pid, "-r", 1000, "--rotate", "1s", "-o", tmp_path / "a.gilspy") as process:
        until(lambda: (tmp_path / name(2)).exists(), "a second recording")
        process.send_signal(number)
        status, _, err = end_of(process)
    names = sorted(os.listdir(tmp_path))
    if number == signal.SIGKILL:
        assert names[:2] == [name(1), name(2)] and all(each.endswith(".part") for each in names[2:])
        assert gilspy.run("report", *names, "-f", "folded", "-o", "-", cwd=tmp_path).returncode == 0
        return
    assert status == 0 and names == [name(i + 1) for i in range(len(names))] and len(names) >= 2
    assert err.startswith("gilspy: %s to %s: " % (tmp_path / name(1), tmp_path / names[-1]))
    assert total(*[tmp_path / each for each in names])


def test_size(system_python, folders, tmp_path):
    with running(system_python, folders, "churn.py") as target:
        document, rotated = rotate(target.pid, tmp_path, "-r", "max", "--rotate", "64K,100", "-d", "4")
    sizes = [(tmp_path / each).stat().st_size for each in rotated["kept"]]
    assert all(64 << 10 <= size < 2 << 20 for size in sizes[:-1]) and len(sizes) == rotated["recordings"]
    if len(sizes) == 1:  # a machine that is too slow for a second one
        assert sizes[0] < 1 << 20


def test_family(tmp_path):
    """Parent and child, and the child's end; a process is one, in however many recordings it is."""
    done = gilspy.run("record", "-q", "-s", "-r", 200, "--rotate", "1s", "-o", "a.gilspy", "--", sys.executable, "-c",
                      PARENT, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    names = sorted(os.listdir(tmp_path))
    assert len(names) >= 2
    document = gilspy.run("report", *names, "-i", "-f", "jsonl", "-o", "-", cwd=tmp_path).stdout
    lines = [json.loads(line) for line in document.splitlines()]
    assert len([line for line in lines if line.get("type") == "process"]) <= 2
    stacks = recording.read_folded(gilspy.run("report", *names, "-i", "-f", "folded", "-o", "-", cwd=tmp_path).stdout)
    assert len({frames[0] for frames in stacks}) == 2


def test_full_disk(system_python, folders, small_disk):  # noqa: F811
    """The whole ones stay whole, and what there is of the last one can be drawn."""
    with running(system_python, folders, "churn.py") as target:
        done = gilspy.run("record", "-p", target.pid, "-r", "max", "-d", "60", "--rotate", "1s", "-o",
                          small_disk / "a.gilspy")
    check_failure(done, 1, "No space left")
    names = sorted(os.listdir(small_disk))
    assert names
    for each in names:
        drawn = gilspy.run("report", small_disk / each, "-f", "folded", "-o", "-")
        assert drawn.returncode == 0 or each.endswith(".part")


@pytest.mark.parametrize("words", [["-o", "a.svg"], ["-f", "html"], ["-o", "-"], ["-f", "gilspy", "-o", "/dev/null"]])
def test_only_recordings(spinning, tmp_path, words):
    done = gilspy.run("record", "-p", spinning.pid, "-d", "300ms", "--rotate", "1m", *words, cwd=tmp_path)
    check_failure(done, 2, "rotate")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("value", ["", "10", "0.5s", "1K", "5m,0", "5m,", "5x", ",3", "1h,1,2"])
def test_values(value, tmp_path):
    done = gilspy.run("record", "-p", os.getpid(), "--rotate", value, "-d", "100ms", cwd=tmp_path)
    if value == "10":  # seconds
        assert done.returncode == 0
    else:
        check_failure(done, 2, "rotate")
