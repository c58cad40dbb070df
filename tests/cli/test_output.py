"""What the commands print when all is well."""
import contextlib
import json
import os
import pty
import re
import subprocess

import pytest

import gilspy
from target import running

PS = {"pid", "ns_pid", "user", "python", "build", "threads", "gil", "holder", "command", "watchable", "why_not",
      "parent", "role"}


def test_version():
    done = gilspy.run("--version")
    assert re.fullmatch(r"gilspy \d+\.\d+\.\d+\n", done.stdout) and (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [["help"], ["--help"], ["-h"]])
def test_overview(words):
    done = gilspy.run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("dump", "top", "ps", "help"):
        assert re.search(r"^ +%s +\w" % command, done.stdout, re.M)


@pytest.mark.parametrize("command", ["dump", "top", "ps", "stat", "trace", "record", "report", "why", "doctor", "help"])
def test_help_of_a_command(command):
    done = gilspy.run("help", command)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("Usage: gilspy " + command)
    told = done.stdout.split("\n\nOptions:")[0].split("\n\n")[1:]
    for paragraph in (p for p in told if not p.startswith("  ")): # none is cut, however long
        assert paragraph[-1] in ".:"
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
            assert set(document) == {"schema", "processes", "groups"} and document["schema"] == 1
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


COMMANDS = (("dump", "-v"), ("ps",), ("top", "--once", "-d", "100ms"), ("doctor",))
TERMINAL = dict({name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")},
                TERM="xterm-256color", LC_ALL="C.UTF-8")


def in_terminal(*words, **environment):
    """(exit status, what is shown) of gilspy in a terminal of its own; a variable that is None is not set."""
    variables = {name: value for name, value in {**TERMINAL, **environment}.items() if value is not None}
    master, slave = pty.openpty()
    process = subprocess.Popen([gilspy.PROGRAM, *map(str, words)], stdin=slave, stdout=slave, stderr=slave,
                               env=variables, start_new_session=True)
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):  # what a terminal that nobody has open any more says
        while True:
            shown += os.read(master, 65536)
    os.close(master)
    return process.wait(60), shown.decode()


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_color(target, words):
    words = (*words, "-p", target.pid)
    environment = dict(TERMINAL, NO_COLOR="1")
    assert "\x1b" not in gilspy.run(*words, env=TERMINAL).stdout
    colored = gilspy.run(*words, "--color=always", env=environment)
    assert colored.returncode == 0 and "\x1b[" in colored.stdout
    assert "\x1b" not in gilspy.run(*words, "--color", "never", env=TERMINAL).stdout


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_no_color_in_a_terminal(target, words):
    words = (*words, "-p", target.pid)
    for environment, colored in (({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False),
                                 ({"NO_COLOR": "0"}, False), ({"TERM": "dumb"}, False), ({"TERM": None}, False)):
        status, shown = in_terminal(*words, **environment)
        assert (status, "\x1b[" in shown) == (0, colored), environment
    assert "\x1b" not in in_terminal(*words, "--color=never")[1]
    assert "\x1b[" in in_terminal(*words, "--color=always", NO_COLOR="1")[1]


def test_color_changes_nothing_else(target):
    plain = gilspy.run("dump", "-p", target.pid, env=TERMINAL).stdout
    colored = gilspy.run("dump", "-p", target.pid, "--color=always", env=TERMINAL).stdout
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored).splitlines()[3:] == plain.splitlines()[3:]


COLORS = r"\x1b\[[0-9;]*(?<![0-9])(3|4|9|10)[0-9][;m]"  # of text and background


def test_no_color_on_the_screen(target):
    for environment, colored in (({}, True), ({"NO_COLOR": "1"}, False)):
        status, shown = in_terminal("top", "-p", target.pid, "-d", "300ms", **environment)
        assert status == 0 and "HAS%" in shown and bool(re.search(COLORS, shown)) == colored
    assert not re.search(COLORS, in_terminal("top", "-p", target.pid, "-d", "300ms", "--color=never")[1])


@pytest.mark.parametrize("environment, why", [
    ({"TERM": None}, "TERM does not tell"), ({"TERM": ""}, "TERM does not tell"), ({"TERM": "no-such"}, "no-such (TERM)"),
    ({"TERM": "dumb"}, "dumb (TERM)"), ({"TERM": "../../etc/passwd"}, "passwd (TERM)"),
])
def test_no_screen(target, environment, why):
    """One line that says what the terminal lacks, and what to do."""
    status, shown = in_terminal("top", "-p", target.pid, "-d", "300ms", **environment)
    assert status == 1 and shown.startswith("gilspy: cannot show a live screen: ") and shown.count("\n") == 1
    assert why in shown and "gilspy top --once" in shown and "\x1b" not in shown


HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def hostile(system_python, folders):
    """Every name in it, and its command line, is beyond ASCII or would drive a terminal."""
    with running(system_python, folders, "hostile.py", "\u00e9\x1b[2J\n\u202e", pipes=["gate"]) as target:
        target.wait_idle()
        yield target


@pytest.mark.parametrize("words", [*COMMANDS, ("dump",), ("dump", "-l"), ("dump", "-F", "--color=always"),
                                   ("ps", "--color=always")], ids="-".join)
def test_hostile_names(hostile, words):
    """Nothing of it reaches a terminal as it is; where there is no UTF-8 all is ASCII."""
    shows = {}
    for locale in ("C", "POSIX", "C.UTF-8"):
        done = gilspy.run(*words, "-p", hostile.pid, env={"LC_ALL": locale})
        assert (done.returncode, done.stderr) == (0, "")
        shows[locale] = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout) if "--color=always" in words else done.stdout
        assert not HARMFUL.search(shows[locale])
    assert shows["C"].isascii() and shows["POSIX"].isascii()
    if words[0] == "ps":
        assert "hostile.py" in shows["C"] and r"\xe9\x1b[2J\x0a\u202e" in shows["C"]
    elif words[0] != "doctor":
        assert r"gr\xf6\xdfe" in shows["C"] and "gr\u00f6\u00dfe" in shows["C.UTF-8"]
    if words[-1] == "-v" or words[0] == "top":
        assert r"caf\xe9" in shows["C"] and "caf\u00e9" in shows["C.UTF-8"]


@pytest.mark.parametrize("words", [
    ["gr\u00f6\u00dfe"], ["dump", "--gr\u00f6\u00dfe"], ["dump", "-\u00f6"], ["dump", "-p", "\u00e9\x1b[2J"],
    ["dump", "\u202e"], ["help", "\x9b"], ["top", "--color", "\u00fc", "-p", "1"],
    ["ps", "-o", "/no/pr\u00fcfung\n\x1b[2J"], ["dump", "-p", "1", "-o", "/no/such/\u00e9"],
])
def test_messages(words):
    for locale in ("C", "C.UTF-8"):
        done = gilspy.run(*words, env={"LC_ALL": locale})
        assert done.returncode in (1, 2, 4, 5) and done.stdout == ""
        assert done.stderr.count("\n") == 1 and not HARMFUL.search(done.stderr)
        assert locale != "C" or done.stderr.isascii()


@pytest.mark.parametrize("words", [["help"], ["help", "dump"], ["help", "top"], ["help", "ps"], ["--version"], ["ps"], []])
def test_help_is_ascii(words):
    done = gilspy.run(*words, env={"LC_ALL": "C"})
    assert done.stdout.isascii() and done.stderr.isascii() and done.stdout


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_locale(target, locale):
    done = gilspy.run("dump", "-p", target.pid, env={"LC_ALL": locale})
    symbol = "\u00b7" if locale == "C.UTF-8" else "."
    assert done.returncode == 0 and '%s %d "worker"' % (symbol, target.began["tids"]["worker"]) in done.stdout


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
