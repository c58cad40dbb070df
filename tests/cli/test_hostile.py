"""A target whose every name and value is meant to do something to whoever looks at it: nothing of that gets through."""
import fcntl
import json
import os
import pty
import shutil
import struct
import subprocess
import sys
import termios
import unicodedata

import pytest

import gilspy
from target import SCRIPTS, Program, running, until

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live", "targets"))
ARGUMENTS = ["--title=\x1b]0;t\x07", "\udcff\udcfe", "caf\udce9", "a\nb\rc\td", "\u202eevil", "\x9b31m", "",
             "<script>&\"'", "x" * 3000]
ODD_NAME = "py \x1b]0;t\x07\n\u202e\udcff<b>"
LOCALES = {"utf-8": "C.UTF-8", "ascii": "C"}


def names():
    """Those of targets/hostile.py, which cannot be imported here."""
    with open(os.path.join(SCRIPTS, "hostile.py")) as file:
        source = file.read()
    scope = {}
    exec(source[source.index("NAMES = {"):source.index("\n}\n") + 3], scope)
    return scope["NAMES"]


@pytest.fixture(scope="module")
def odd_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("odd")


@pytest.fixture(scope="module")
def hostile(system_python, folders, odd_folder):
    """It runs as a program of an odd name."""
    program = os.path.join(str(odd_folder), ODD_NAME)
    shutil.copy(os.path.realpath(system_python.path), program)
    script = os.path.join(folders.of(system_python), "hostile.py")
    with running(lambda fds: [program, script, fds, *ARGUMENTS], pipes=["gate"], kind=Program,
                 env={"PYTHONHOME": "/usr", "PYTHONUTF8": "1"}) as target:
        target.wait_idle()
        yield target


def raw(character):
    """It would be obeyed by a terminal, or turn text around."""
    code = ord(character)
    return (code < 0x20 and character != "\n") or 0x7f <= code <= 0x9f or code in (0x61c, 0x200e, 0x200f) or \
        0x2028 <= code <= 0x202e or 0x2066 <= code <= 0x2069


def check(output, ascii_only=False):
    """Bytes that may go to any terminal; the text that they are."""
    text = output.decode("utf-8")
    found = {"U+%04X in %r" % (ord(character), line) for line in text.split("\n") for character in line
             if raw(character)}
    assert not found
    assert not ascii_only or text.isascii()
    return text


def run(*args, locale="C.UTF-8", **options):
    return gilspy.run(*args, encoding=None, env=dict(os.environ, LC_ALL=locale, TERM="xterm-256color"), **options)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("words", [[], ["-v"], ["-l"], ["-l", "-v"], ["-F"], ["-s"]], ids=" ".join)
def test_text(hostile, words, locale):
    done = run("dump", "-p", hostile.pid, *words, locale=LOCALES[locale])
    text = check(done.stdout, locale == "ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(hostile.began["tids"]) == len(names()) + 1
    for tid in hostile.began["tids"].values():
        assert any(str(tid) in line for line in text.split("\n"))
    assert r"\x1b[31mred\x1b[0m" in text and r"\u202e" in text and r"\x9b31m" in text
    assert r"first\x0asecond\x0d\x0athird\x0b\x0c\u2028\u2029" in text
    assert "<script>alert(1)</script>&amp;\"'`$(id)\\" in text


def test_values(hostile):
    text = check(run("dump", "-l", "-p", hostile.pid).stdout)
    assert r"odd = <\x1b[31mOdd\u202e object at 0x" in text
    assert r"text = 'first\nsecond\r\nthird\x0b\x0c\u2028\u2029'" in text
    assert r"\ud800" in text and r"\u200b" in text
    assert all(len(line) < 4096 for line in text.split("\n") if " = " in line)


def test_colours_are_ours(hostile):
    """The only sequences are those of the styles."""
    output = run("dump", "--color=always", "-p", hostile.pid).stdout
    pieces = output.decode().split("\x1b")
    assert len(pieces) > 3
    for piece in pieces[1:]:
        assert piece.startswith("[") and piece[1:piece.index("m")].replace(";", "").isdigit()
    check("".join([pieces[0]] + [piece[piece.index("m") + 1:] for piece in pieces[1:]]).encode())


def shown(name):
    """As JSON has a thread's name: what is no character became U+FFFD, and it ends after 255 bytes at most."""
    clean = "".join("\ufffd" if 0xd800 <= ord(each) < 0xe000 or each == "\0" else each for each in name)
    return clean.encode()[:255].decode("utf-8", "ignore")


def test_json(hostile):
    done = run("dump", "-j", "-l", "-p", hostile.pid)
    assert (done.returncode, done.stderr) == (0, b"")
    assert check(done.stdout, True).count("\n") == 1
    document = json.loads(done.stdout)
    gilspy.check(document)
    threads = {thread["tid"]: thread for thread in document["threads"]}
    by_name = {shown(name): name for name in names().values()}
    found = 0
    for thread in threads.values():
        if thread["name"] not in by_name:
            continue
        found += 1
        name, frame = by_name[thread["name"]], thread["frames"][1]
        assert (thread["name"], frame["function"][:50]) == (shown(name), shown(name)[:50])
        assert frame["file"].startswith("/srv/" + shown(name)[:50])
        assert len(frame["locals"]) == 6
        assert not any(raw(each) or 0xd800 <= ord(each) < 0xe000 for value in frame["locals"].values()
                       for each in value)
    assert found == len(names())
    others = [thread["name"] for thread in threads.values() if thread["name"] not in by_name]
    assert sorted(others) == ["\x1b[31m\ufffd\ufffd\n\u202e!", "MainThread"]
    command = document["process"]["command"]
    assert command[0].endswith("/" + ODD_NAME.replace("\udcff", "\ufffd"))
    assert command[3:] == [word.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for word in ARGUMENTS]
    assert document["process"]["exe"].endswith("/" + ODD_NAME.replace("\udcff", "\ufffd"))


def columns_of(text):
    """As a terminal counts them, at least."""
    return sum(0 if unicodedata.combining(each) or unicodedata.category(each) == "Cf" else
               2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def in_terminal(columns, locale, *args):
    """What gilspy writes to a terminal so wide."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 50, columns, 0, 0))
    process = subprocess.Popen([gilspy.PROGRAM, *map(str, args)], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                               env=dict(os.environ, LC_ALL=locale, TERM="xterm-256color"))
    os.close(slave)
    output = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # its other end is closed
            break
        output += piece
    os.close(master)
    assert process.wait() == 0
    return output.replace(b"\r\n", b"\n")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_terminal(hostile, columns, locale):
    dump, ps = ["dump", "--color=never", "-p", hostile.pid], ["ps", "--color=never", "-p", hostile.pid]
    for words in (dump, dump + ["-l"], dump + ["-l", "-v"], *([ps] if columns >= 80 else [])):
        text = check(in_terminal(columns, LOCALES[locale], *words), locale == "ascii")
        assert max(map(columns_of, text.split("\n"))) <= columns


@pytest.mark.parametrize("locale", LOCALES)
def test_ps(hostile, locale):
    done = run("ps", "-p", hostile.pid, locale=LOCALES[locale])
    text = check(done.stdout, locale == "ascii")
    assert (done.returncode, done.stderr) == (0, b"") and text.count("\n") == 2
    row, = json.loads(check(run("ps", "-j", "-p", hostile.pid).stdout, True))["processes"]
    assert row["command"][0].endswith("/" + ODD_NAME.replace("\udcff", "\ufffd"))


@pytest.mark.parametrize("locale", LOCALES)
def test_top_once(hostile, locale):
    done = run("top", "--once", "-d", "0.2", "-p", hostile.pid, locale=LOCALES[locale])
    text = check(done.stdout, locale == "ascii")
    assert done.returncode == 0 and r"\x1b[3" in text
    check(done.stderr, locale == "ascii")


def test_top(hostile):
    """The live screen moves the cursor and sets colours, and nothing else."""
    pytest.importorskip("pyte", reason="the screen is looked at with pyte, the package python3-pyte")
    import terminal
    with terminal.screen("-p", hostile.pid) as top:
        top.wait_for(r"x1b\[3")
        for pane in "23456h":
            top.press(pane)
            top.wait(lambda: "q quit" in top.lines()[-1], "it to be drawn")
        top.press("q")
        assert top.wait_end()[0] == 0
        seen = top.seen.decode()
    assert "\x1b]" not in seen and not any(each in seen for each in "\x9b\x9d\x90\x85\x07\u202e\u2066\u200f")
    assert "\x1b[31mred" not in seen


@pytest.mark.parametrize("locale", LOCALES)
def test_messages(odd_folder, locale):
    """A process that is no Python, whose name stands in the message; names that do not exist."""
    program = os.path.join(str(odd_folder), ODD_NAME + " sleep")
    shutil.copy(shutil.which("sleep"), program)
    process = subprocess.Popen([program, "1000"])
    try:
        until(lambda: "sleep" in os.readlink("/proc/%d/exe" % process.pid), "the program to be run")
        done = run("dump", "-p", process.pid, locale=LOCALES[locale])
    finally:
        process.kill()
        process.wait()
    text = check(done.stderr, locale == "ascii")
    assert done.returncode == 5 and r"\x1b]0;t\x07\x0a\u202e" in text and text.count("\n") == 1
    for words in (["\x1b]0;t\x07"], ["dump", "--\x1b[31m\u202e"], ["dump", "-p", "\x1b[31m\n"],
                  ["dump", "-p", "1", "-o", "/nowhere/\x1b[31m\udcff"]):
        done = run(*words, locale=LOCALES[locale])
        assert done.returncode != 0 and check(done.stderr, locale == "ascii").count("\n") >= 1
