"""Recordings drawn again: each format and mode, parts, and recordings that are damaged, cut or still grow."""
import json
import os
import subprocess

import pytest

import gilspy
import recording
from target import running, until
from test_errors import check_failure

MODES = ("active", "wall", "cpu", "gil", "wait", "blame")
DAMAGED = "is damaged from byte"


@pytest.fixture(scope="module")
def made(system_python, folders, tmp_path_factory):
    """A recording of threads that come, contend and go, of about two blocks; and the summary of its run."""
    path = tmp_path_factory.mktemp("made") / "run.gilspy"
    with running(system_python, folders, "churn.py") as target:
        yield path, recording.record(target.pid, path, "-r", 500, "-d", "1500ms")


def report(*words):
    done = gilspy.run("report", *words)
    assert done.returncode == 0
    return done


def test_name_of_its_own(made, tmp_path):
    path = tmp_path / "run.gilspy"
    path.write_bytes(made[0].read_bytes())
    done = report(path)
    assert (done.stdout, done.stderr) == ("", "gilspy: wrote %s\n" % (tmp_path / "run.svg"))
    assert report("-q", path, "-f", "folded").stderr == ""
    path.rename(tmp_path / "other.gilspy.part")
    report(tmp_path / "other.gilspy.part")
    assert sorted(os.listdir(tmp_path)) == ["other.gilspy.part", "other.svg", "run.folded", "run.svg"]


def test_all_that_was_counted(made, tmp_path):
    """-v tells of the recording what record -v told of its run."""
    path, run = made
    told = report("-v", path, "-o", tmp_path / "a.folded").stderr
    assert told.startswith("gilspy: %s: Python %s, process %d; asked for 500 samples a second; " %
                           (tmp_path / "a.folded", run["python"], run["pid"]))
    assert "; %s stacks of one thread each; %s different stacks; " % tuple(
        "{:,}".format(run[name]) for name in ("thread_samples", "unique_stacks")) in told
    assert report("-v", "-q", path, "-o", tmp_path / "a.folded").stderr == ""


def test_no_locks(made, tmp_path):
    """Of waits for other locks than the GIL a recording knows only where that was asked for."""
    path = tmp_path / "a.folded"
    assert "made with --locks" in report(made[0], "-m", "locks", "-o", path).stderr
    assert report("-q", made[0], "-m", "locks", "-o", path).stderr == ""


def test_figures(made):
    """Of a recording the same figures as of the program itself, of all of it or of a part; no other format takes --json."""
    whole = json.loads(report("-f", "stat", "--json", made[0]).stdout)
    assert (whole["schema"], whole["pid"], whole["method"]) == (1, made[1]["pid"], "sampled")
    assert whole["gil"]["state"] in ("held", "free") and whole["gil"]["switches"] > 0
    assert whole["quality"]["torn"] == made[1]["quality"]["torn"]
    for thread in whole["threads"]:
        assert abs(sum(thread[name] for name in ("has", "waits", "without", "unknown")) - 1) < 1e-6
        assert thread["on_cpu"] is None
    part = json.loads(report("-f", "stat", "--json", made[0], "--to", "500ms").stdout)
    assert part["seconds"] < 0.51 and part["gil"]["switches"] < whole["gil"]["switches"]
    text = report("-f", "stat", made[0], "--thread", "MainThread").stdout
    assert "hand-overs/s" in text and "MainThread *" in text
    check_failure(gilspy.run("report", "-f", "svg", "--json", made[0]), 2,
                  "cannot draw %s: --json is for -f stat" % made[0])


@pytest.mark.parametrize("mode", MODES)
def test_formats(made, tmp_path, mode):
    """Each mode in each format; the same time in those whose times can be added up."""
    words = (made[0], "-m", mode, "-o")
    assert report(*words, tmp_path / "a.svg").stderr == ""
    assert "</svg>" in (tmp_path / "a.svg").read_text()
    report(*words, tmp_path / "a.folded")
    folded = sum(recording.read_folded((tmp_path / "a.folded").read_text()).values())
    report(*words, tmp_path / "a.speedscope.json")
    profiles = json.loads((tmp_path / "a.speedscope.json").read_text())["profiles"]
    scale = {"nanoseconds": 1e-3, "microseconds": 1, "milliseconds": 1e3, "seconds": 1e6}
    speedscope = sum(weight * scale[each["unit"]] for each in profiles
                     for stack, weight in zip(each["samples"], each["weights"]) if stack)
    assert folded == pytest.approx(speedscope, abs=max(1000, folded * 0.001))


def test_sums(made):
    """holds and waits are part of active, active of wall; wall is each thread's time."""
    sums = {mode: sum(recording.draw(made[0], "-m", mode).values()) for mode in MODES}
    late = recording.draw(made[0], "-m", "gil").get((recording.LATE,), 0)
    assert sums["gil"] <= made[1]["seconds"] * 1e6 + 10000
    assert sums["gil"] - late + sums["wait"] - 2 * late <= sums["active"] <= sums["wall"]
    threads = recording.threads(recording.draw(made[0], "-i", "-t"))
    assert sum(threads.values()) == pytest.approx(sums["wall"], abs=len(threads) + 1000)
    for name in ("MainThread", "breeder-1", "breeder-2"):
        assert threads[name] == pytest.approx(made[1]["seconds"] * 1e6, abs=30000)


def test_parts(made):
    """Ranges of time add up."""
    path, whole = made[0], sum(recording.draw(made[0], "-i").values())
    parts = [sum(recording.draw(path, "-i", *words).values())
             for words in (["--to", "300ms"], ["--from", "300ms", "--to", "800ms"], ["--from", "800ms", "--to", "1h"])]
    assert sum(parts) == pytest.approx(whole, rel=0.001, abs=1000) and all(parts)


def test_threads(made):
    document = recording.threads(recording.draw(made[0], "-i", "-t"))
    chosen = recording.threads(recording.draw(made[0], "-i", "-t", "--thread", "breeder-[12]", "--thread", "Main*"))
    assert chosen == {name: document[name] for name in ("MainThread", "breeder-1", "breeder-2")}
    assert all(":" not in frame.rsplit("(", 1)[-1] for frames in recording.draw(made[0], "-F") for frame in frames
               if not frame.startswith("["))


@pytest.mark.parametrize("words, why", [(["--from", "100s"], "there is no sample in that part of it. All of it lasted 1."),
                                        (["--thread", "nobody-*"], "none of its threads is meant by --thread. ")])
def test_nothing_of_it(made, tmp_path, words, why):
    for name in ("out.svg", "out.html", "out.jsonl"):
        done = gilspy.run("report", made[0], *words, "-o", tmp_path / name)
        assert (done.returncode, done.stdout) == (1, "")
        assert "gilspy: cannot draw %s: %s" % (made[0], why) in done.stderr and done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("mode", MODES)
def test_difference(made, tmp_path, mode):
    """Of a recording and itself there is none; as text on stdout, and in three formats."""
    words = (made[0], "--diff", made[0], "-m", mode)
    done = report(*words)
    assert done.stderr == "" and "GREW" not in done.stdout and "SHRANK" not in done.stdout
    assert "may be chance" in done.stdout
    for form in ("svg", "html", "folded"):
        report(*words, "-o", tmp_path / ("a." + form))
    lines = [line.rsplit(" ", 2) for line in (tmp_path / "a.folded").read_text().splitlines()]
    assert lines and all(before == after for _, before, after in lines)


def test_difference_of_parts(made, tmp_path):
    """--from and --to count for both; the default name tells what it is."""
    path = tmp_path / "run.gilspy"
    path.write_bytes(made[0].read_bytes())
    done = report(path, "--diff", path, "--to", "500ms", "-f", "svg")
    assert done.stderr == "gilspy: wrote %s\n" % (tmp_path / "run.diff.svg")
    check_failure(gilspy.run("report", path, "--diff", path, "-f", "pprof"), 2, "difference")
    check_failure(gilspy.run("report", path, "--diff", tmp_path / "none"), 1, "No such file")
    check_failure(gilspy.run("report", path, "--diff", path, "-o", "a.gilspy"), 2, "difference")


def test_cut_anywhere(made, tmp_path):
    """As far as blocks are whole they are drawn, with a word about it, and time only grows with the length."""
    content, path, last, drawn = made[0].read_bytes(), tmp_path / "cut.gilspy", -1, 0
    lengths = [*range(0, 40, 3), *range(40, len(content), max(1, len(content) // 40)), len(content) - 1, len(content)]
    for length in lengths:
        path.write_bytes(content[:length])
        done = gilspy.run("report", path, "-i", "-f", "folded", "-o", "-")
        if done.returncode:
            check_failure(done, 1, str(path))
            assert last < 0
            continue
        drawn += 1
        assert (done.stderr == "") == (length == len(content)) and done.stderr.count("\n") <= 1
        us = sum(recording.read_folded(done.stdout).values())
        assert us >= last
        last = us
    assert drawn >= 2 and last == sum(recording.draw(made[0], "-i").values())


def test_damaged(made, tmp_path):
    content, path = bytearray(made[0].read_bytes()), tmp_path / "bad.gilspy"
    content[len(content) - 20] ^= 1
    path.write_bytes(content)
    done = gilspy.run("report", path, "-f", "folded", "-o", "-")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1) and DAMAGED in done.stderr and done.stdout


@pytest.mark.parametrize("content, word", [(b"", "empty"), (b"nonsense", "not a recording"), (b"x" * 100000, "not a rec"),
                                           (b"gilspy\0\xff" + b"x" * 50, "format")])
def test_garbage(tmp_path, content, word):
    path = tmp_path / "a.gilspy"
    path.write_bytes(content)
    check_failure(gilspy.run("report", path, "-o", tmp_path / "a.svg"), 1, str(path), word)
    assert os.listdir(tmp_path) == ["a.gilspy"]


def test_just_begun(made, tmp_path):
    """What a recording is before its head is written, and before its first block is: among others nothing is missing."""
    paths = [tmp_path / each for each in ("a.gilspy.part", "b.gilspy.part")]
    for path, length in zip(paths, (0, 8)):
        path.write_bytes(made[0].read_bytes()[:length])
    alone, among = [gilspy.run("report", *each, "-f", "folded", "-o", "-") for each in ([made[0]], [*paths, made[0]])]
    assert (among.returncode, among.stdout) == (0, alone.stdout) and alone.stdout
    check_failure(gilspy.run("report", *paths, "-f", "folded", "-o", "-"), 1, "whole yet")
    check_failure(gilspy.run("report", paths[0], paths[0], "-f", "folded", "-o", "-"), 1, "empty")


def test_no_file(tmp_path):
    check_failure(gilspy.run("report", tmp_path / "none"), 1, "No such file")
    check_failure(gilspy.run("report", tmp_path, "-o", "-"), 1)


@pytest.mark.parametrize("words", [[], ["-f", "gilspy", "FILE"], ["FILE", "-o", "a.png"],
                                   ["FILE", "-m", "none"], ["FILE", "--from", "soon"], ["-p", "1", "FILE"]])
def test_wrong_usage(made, tmp_path, words):
    check_failure(gilspy.run("report", *[made[0] if word == "FILE" else word for word in words], cwd=tmp_path), 2)
    assert os.listdir(tmp_path) == []


def test_twice_the_same(made, tmp_path):
    """Naming a recording twice is a mistake: its time would count twice."""
    check_failure(gilspy.run("report", made[0], made[0], "-o", tmp_path / "a.svg"), 1, "the same recording")
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_one_that_grows(system_python, folders, tmp_path):
    """It is drawn as far as it is, and goes on growing."""
    path = tmp_path / "a.gilspy"
    with running(system_python, folders, "churn.py") as target:
        process = subprocess.Popen([gilspy.PROGRAM, "record", "-q", "-r", "1000", *recording.NO_BUDGET, "-o", path, "-p",
                                    str(target.pid)])
        try:
            part, seen = str(path) + ".part", []

            def drawn():
                done = gilspy.run("report", part, "-i", "-f", "folded", "-o", "-")
                if done.returncode == 0:
                    assert "grows" in done.stderr
                    seen.append(sum(recording.read_folded(done.stdout).values()))
                return len(set(seen)) > 1
            until(drawn, "it to grow")
            assert seen == sorted(seen) and process.poll() is None
        finally:
            process.terminate()
        assert process.wait(20) == 0
    assert sum(recording.draw(path, "-i").values()) > seen[-1] and os.listdir(tmp_path) == ["a.gilspy"]


def test_closed_pipe_and_full_device(made):
    for format in ("svg", "folded", "speedscope", "html"):  # the last is longer than what is held back
        reader, writer = os.pipe()
        os.close(reader)
        done = gilspy.run("report", made[0], "-f", format, "-o", "-", stdout=writer)
        os.close(writer)
        assert (done.returncode, done.stderr) == (1, "")
        check_failure(gilspy.run("report", made[0], "-f", format, "-o", "/dev/full"), 1, "No space left")
