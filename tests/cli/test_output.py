"""What the commands print when all is well."""
import json
import os
import re

import pytest

import gilspy
from target import running

PS = {"pid", "ns_pid", "user", "python", "build", "threads", "gil", "holder", "command", "watchable", "why_not"}


def test_version():
    done = gilspy.run("--version")
    assert re.fullmatch(r"gilspy \d+\.\d+\.\d+\n", done.stdout) and (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [["help"], ["--help"], ["-h"]])
def test_overview(words):
    done = gilspy.run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("dump", "top", "ps", "help"):
        assert re.search(r"^ +%s +\w" % command, done.stdout, re.M)


@pytest.mark.parametrize("command", ["dump", "top", "ps", "help"])
def test_help_of_a_command(command):
    done = gilspy.run("help", command)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("Usage: gilspy " + command)
    assert gilspy.run(command, "--help").stdout == done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_dump_text(target):
    done = gilspy.run("dump", "-p", target.pid)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Process %d: " % target.pid) and lines[1].startswith("Python ")
    assert "GIL: free" in lines[2] and "\x1b" not in done.stdout
    assert re.search(r'^· %d "worker" idle in read' % target.began["tids"]["worker"], done.stdout, re.M)


def test_thread_id_means_its_process(target):
    document = gilspy.dump(target.began["tids"]["worker"])
    assert document["process"]["pid"] == target.pid


def test_thread_filter(target):
    document = json.loads(gilspy.run("dump", "-j", "--thread", "work*", "-p", target.pid).stdout)
    assert [thread["name"] for thread in document["threads"]] == ["worker"]
    document = json.loads(gilspy.run("dump", "-j", "--thread", target.pid, "-p", target.pid).stdout)
    assert [thread["name"] for thread in document["threads"]] == ["MainThread"]


def test_several(system_python, folders, target):
    with running(system_python, folders, "states.py", "idle", pipes=["begin"]) as second:
        for words in (["-p", "%d,%d" % (target.pid, second.pid)], ["-p", target.pid, "--pid=%d" % second.pid]):
            document = json.loads(gilspy.run("dump", "-j", *words).stdout)
            assert set(document) == {"schema", "processes"} and document["schema"] == 1
            for each in document["processes"]:
                gilspy.check(each)
            assert [each["process"]["pid"] for each in document["processes"]] == [target.pid, second.pid]


def test_output_file(target, tmp_path):
    path = tmp_path / "dump.json"
    path.write_text("before")
    done = gilspy.run("dump", "-j", "-p", target.pid, "-o", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    gilspy.check(json.loads(path.read_text()))
    assert [each.name for each in tmp_path.iterdir()] == ["dump.json"]


def test_output_file_stays_when_it_fails(tmp_path):
    path = tmp_path / "dump.json"
    path.write_text("before")
    assert gilspy.run("dump", "-j", "-p", 2 ** 22 - 1, "-o", path).returncode == 3
    assert path.read_text() == "before"


def test_color(target):
    plain = gilspy.run("dump", "-p", target.pid).stdout
    environment = dict(os.environ, TERM="xterm-256color")
    colored = gilspy.run("dump", "-p", target.pid, "--color=always", env=environment).stdout
    assert "\x1b[" in colored and re.sub(r"\x1b\[[0-9;]*m", "", colored).splitlines()[3:] == plain.splitlines()[3:]
    assert "\x1b" not in gilspy.run("dump", "-p", target.pid, "--color=never", env=environment).stdout


def test_locale_without_utf8(target):
    done = gilspy.run("dump", "-p", target.pid, env={"LC_ALL": "C"})
    assert done.returncode == 0 and done.stdout.isascii() and '. %d "worker"' % target.began["tids"]["worker"] in \
        done.stdout


def test_ps_json(target, system_python):
    document = json.loads(gilspy.run("ps", "--json").stdout)
    assert set(document) == {"schema", "processes"} and document["schema"] == 1
    assert all(set(row) == PS for row in document["processes"])
    row = {row["pid"]: row for row in document["processes"]}[target.pid]
    assert row["ns_pid"] == target.pid and row["python"] == system_python.version and row["build"] == "release"
    assert (row["threads"], row["gil"], row["holder"]) == (2, "free", None)
    assert row["watchable"] is True and row["why_not"] is None
    assert row["command"][0] == "/usr/bin/python3" and row["command"][-1] == "idle"


def test_ps_holder(system_python, folders):
    with running(system_python, folders, "gil.py",
                 pipes=["hold", "gate", "turn-0", "turn-1", "turn-2", "compute", "once"]) as target:
        holder = target.began["tids"]["holder"]
        target.wait_idle()
        target.feed("hold")
        target.wait_reading(holder, "gate")
        row, = json.loads(gilspy.run("ps", "-j", "-p", target.pid).stdout)["processes"]
        assert (row["gil"], row["holder"], row["threads"]) == ("held", holder, 8)
        line = gilspy.run("ps", "-p", target.pid).stdout.splitlines()[1]
        assert "held by %d" % holder in line and str(target.pid) in line


def test_subprocesses(system_python, folders):
    with running(system_python, folders, "fork.py", pipes=["fork", "child", "gate", "done"]) as target:
        target.feed("fork")
        child = target.listen()["pid"]
        document = json.loads(gilspy.run("dump", "-j", "-s", "-p", target.pid).stdout)
        assert [each["process"]["pid"] for each in document["processes"]] == [target.pid, child]
        os.kill(child, 9)
