"""What a user meets who measures: intervals, filters, outputs, programs started by it, families, ends, failures."""
import json
import re
import signal
import subprocess
import time

import pytest

import gilspy
from stat_runs import check, named, stat, watching
from target import running
from test_errors import check_failure, free_pid, other  # noqa: F401 (a fixture)

PYTHON = "/usr/bin/python3"
FOR_A_WHILE = "import time\nend = time.time() + %s\nwhile time.time() < end: sum(range(1000))\n"


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- what is shown ----

def test_text(spinning):
    done = gilspy.run("stat", "-p", spinning.pid, "-d", "400ms")
    assert (done.returncode, done.stderr) == (0, "")
    rows = done.stdout.splitlines()
    assert rows[0].startswith("Python 3.11.2, pid %d: " % spinning.pid) and "samples/s, shares ±" in rows[0]
    assert rows[2].startswith("GIL  held ") and rows[4].split()[:4] == ["THREAD", "TID", "HAS", "GIL"]
    assert any(row.startswith("MainThread *") for row in rows)


def test_ten_seconds_unless_told():
    done = gilspy.run("stat", "--help")
    assert done.returncode == 0 and "ten seconds" in done.stdout and "(default 1000)" in done.stdout
    assert "(default 20ms)" in done.stdout


def test_json(spinning):
    document = stat(spinning.pid, "-d", "300ms")
    assert document["pid"] == spinning.pid and document["python"] == "3.11.2"
    assert document["gil"]["held"] > 0.5 and document["gil"]["held_avg"] == [None, None, None]
    assert document["quality"]["samples"] > 0 and document["quality"]["cpu_us"] > 0


@pytest.mark.parametrize("command", ["stat", "top"])
def test_intervals(spinning, command):
    began = time.monotonic()
    done = gilspy.run(command, "--json", "-p", spinning.pid, "--interval", "200ms", "-d", "1s")
    took = time.monotonic() - began
    assert (done.returncode, done.stderr) == (0, "")
    documents = lines(done)
    assert 1 <= len(documents) <= 6
    for document in documents:
        check(document)
    assert 0 < sum(document["seconds"] for document in documents) <= took


def test_once_is_one_document(spinning):
    done = gilspy.run("top", "--json", "--once", "-p", spinning.pid)
    assert (done.returncode, done.stderr) == (0, "")
    (document,) = lines(done)
    check(document)


def test_intervals_without_a_sample(spinning):
    """Are left out, and those after them are not."""
    done = gilspy.run("stat", "--json", "-r", "20", "-p", spinning.pid, "--interval", "5ms", "-d", "1s")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert 2 <= len(lines) <= 21 and all(line["quality"]["samples"] > 0 for line in lines)


def test_intervals_as_text(spinning):
    done = gilspy.run("stat", "-p", spinning.pid, "--interval", "250ms", "-d", "600ms")
    shown = done.stdout.count("HAS GIL %")
    assert done.returncode == 0 and 1 <= shown <= 3
    assert done.stdout.count("\n\nPython 3.11.2, pid") == shown - 1


def test_intervals_go_on_until_a_signal(spinning):
    with gilspy.begun("stat", "--json", "-p", spinning.pid, "--interval", "50ms") as process:
        for _ in range(4):
            check(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        for line in out.splitlines():
            check(json.loads(line))


def test_a_reader_that_leaves_ends_it(spinning):
    with gilspy.begun("stat", "--json", "-p", spinning.pid, "--interval", "20ms") as process:
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        assert process.wait(timeout=60) == 1 and process.stderr.read() == ""


def test_chosen_threads(system_python, folders):
    with running(system_python, folders, "truth.py") as target:
        with watching(target.pid, "--thread", "spin-*", "--thread", str(target.pid)) as watch:
            target.ask("spin", 0.2)
            document = watch.document()
    assert set(named(document)) == {"MainThread", "spin-0", "spin-1"}
    assert document["gil"]["held"] >= sum(thread["has"] for thread in document["threads"]) - 1e-6


@pytest.mark.parametrize("how", [[], ["--exact"]])
def test_nobody_is_chosen(spinning, how):
    done = gilspy.run("stat", "-p", spinning.pid, "-d", "0.2", "--thread", "nobody", *how)
    assert done.returncode == 0
    assert re.search(r"^0 of \d+ threads are shown: those that --thread asks for$", done.stdout, re.MULTILINE)


def test_long(system_python, folders):
    """From which length on a hold is listed."""
    with running(system_python, folders, "truth.py") as target:
        for args, listed in (((), False), (("--long", "5ms"), True)):
            with watching(target.pid, *args) as watch:
                target.ask("hold", 5, 30 if listed else 10, 10, False)
                document = watch.document()
            long_enough = [hog for hog in document["hogs"] if hog["function"] == "hold"]
            assert not listed or long_enough, document
            assert all(hog["longest_us"] >= (5000 if listed else 20000) for hog in document["hogs"])


def test_hostile_names(system_python, folders):
    with running(system_python, folders, "hostile.py", pipes=["gate"]) as target:
        text = gilspy.run("stat", "-v", "-p", target.pid, "-d", "200ms").stdout
        document = stat(target.pid, "-d", "200ms")
    assert not any(ord(letter) < 32 and letter != "\n" for letter in text) and "\x7f" not in text
    assert len(document["threads"]) > 1


def test_a_file(spinning, tmp_path):
    path = tmp_path / "stat.json"
    done = gilspy.run("stat", "-j", "-p", spinning.pid, "-d", "200ms", "-o", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    check(json.loads(path.read_text()))
    assert [each.name for each in tmp_path.iterdir()] == ["stat.json"]


# ---- programs, families, ends ----

@pytest.mark.parametrize("end, exit", [("", 0), ("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_a_program(end, exit):
    done = gilspy.run("stat", "-j", "--", PYTHON, "-c", FOR_A_WHILE % 0.4 + end)
    assert (done.returncode, done.stderr) == (exit, "")
    document = check(json.loads(done.stdout))
    assert document["gil"]["held"] > 0.3 and document["seconds"] < 30


def test_a_program_that_is_no_python():
    done = gilspy.run("stat", "--", "sleep", "0.1")
    check_failure(done, 1)
    done = gilspy.run("stat", "--", "/nowhere/program")
    assert done.returncode != 0 and "/nowhere/program" in done.stderr


def test_a_family():
    code = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', %r])\n" % (FOR_A_WHILE % 0.6)
    done = gilspy.run("stat", "-j", "-s", "--", PYTHON, "-c", FOR_A_WHILE % 0.3 + code)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert set(document) == {"schema", "processes", "groups"} and len(document["processes"]) == 2
    for process in document["processes"]:
        check(process)


def test_several(spinning, target):
    done = gilspy.run("stat", "-j", "-p", "%d,%d" % (spinning.pid, target.pid), "-d", "300ms")
    document = json.loads(done.stdout)
    assert [process["pid"] for process in document["processes"]] == [spinning.pid, target.pid]
    busy, idle = map(check, document["processes"])
    assert busy["gil"]["held"] > 0.3 > idle["gil"]["held"]
    group, = document["groups"]
    assert (group["pids"], group["kind"]) == ([spinning.pid, target.pid], "all")
    assert group["held"] == pytest.approx(busy["gil"]["held"] + idle["gil"]["held"])
    assert group["threads"] == len(busy["threads"]) + len(idle["threads"])
    assert group["text"].startswith("2 processes, %.2f GILs held, " % group["held"])


def test_the_sum_of_several(spinning, target):
    """One table of all, the busiest first, before that of each."""
    done = gilspy.run("stat", "-p", "%d,%d" % (target.pid, spinning.pid), "-d", "300ms", "--thread", "nobody")
    table, *each = done.stdout.split("\n\nPython ")
    cells = [row.split() for row in table.splitlines()]
    assert cells[0][:2] == ["PROCESS", "RUNS"] and [row[0] for row in cells[1:]] == [str(spinning.pid), str(target.pid), "all"]
    assert float(cells[1][2]) > 30 > float(cells[2][2]) and cells[3][1] == "2"
    assert len(each) == 2


def test_the_end_of_the_process(spinning):
    with gilspy.begun("stat", "-j", "-p", spinning.pid, "--interval", "100ms") as process:
        check(json.loads(process.stdout.readline()))
        spinning.process.kill()
        spinning.process.wait()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "the process has ended after " in err and err.count("\n") == 1
    for line in out.splitlines():
        check(json.loads(line))


def test_exec(system_python, folders):
    """What was before and what is after it are told one by one."""
    with gilspy.begun("stat", "-j", "--", PYTHON, "-c", "import os, sys\n" + FOR_A_WHILE % 0.3 +
               "os.execv(sys.executable, [sys.executable, '-c', %r])" % (FOR_A_WHILE % 0.3)) as process:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0
    document = json.loads(out)
    if "processes" in document:
        assert "runs another program now" in err
        assert {each["pid"] for each in map(check, document["processes"])} == {document["processes"][0]["pid"]}
    else:
        check(document)


def test_fork_goes_its_own_way(system_python):
    code = "import os, time\nif os.fork() == 0: os._exit(0)\nos.wait()\n" + FOR_A_WHILE % 0.3
    done = gilspy.run("stat", "-j", "--", PYTHON, "-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    check(json.loads(done.stdout))


# ---- failures ----

def test_usage(target):
    for words in ([], ["-p", target.pid, "--", "true"], ["-p", target.pid, "-u", "root"], ["-p", target.pid, "--long", "x"],
                  ["-p", target.pid, "--rate", "0"], ["-p", target.pid, "--intervall", "1"]):
        check_failure(gilspy.run("stat", *words), 2)
    check_failure(gilspy.run("top", "-p", target.pid, "--interval", "1s"), 2, "--json")
    check_failure(gilspy.run("top", "-p", target.pid, "--interval", "1s", "--once", "--json"), 2, "--once")


@pytest.mark.parametrize("words, named", [
    (["--json", "-m", "gil"], "--mode"), (["--json", "-g"], "--gil"), (["--json", "-i"], "--idle"),
    (["--json", "-t"], "--threads"), (["--json", "-F"], "--function"), (["-o", "file"], "--output")])
def test_what_top_would_leave_unheeded(target, tmp_path, words, named):
    check_failure(gilspy.run("top", "-p", target.pid, *words, cwd=tmp_path), 2, named)
    assert list(tmp_path.iterdir()) == []


def test_no_such_process():
    check_failure(gilspy.run("stat", "-p", free_pid()), 3)


def test_no_python(other):  # noqa: F811
    check_failure(gilspy.run("stat", "-p", other), 5)


def test_not_writable(target, tmp_path):
    check_failure(gilspy.run("stat", "-p", target.pid, "-o", tmp_path / "no" / "file"), 1)
