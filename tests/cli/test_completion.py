"""What bash, zsh and fish offer: the commands, options, processes, threads and files that there are, and no others."""
import os
import re
import shutil

import pytest

import gilspy
import shells
from target import running

KINDS = {"bash": shells.Bash, "zsh": shells.Zsh, "fish": shells.Fish}


@pytest.fixture(scope="module", params=list(KINDS))
def shell(request, tmp_path_factory):
    if not shutil.which(request.param):
        pytest.skip("%s is not installed" % request.param)
    asked = KINDS[request.param](tmp_path_factory.mktemp("home"))
    yield asked
    asked.end()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("files")
    (made / "profile one").touch()
    (made / "profile-two").touch()
    return made


@pytest.fixture(scope="module")
def named(system_python, folders):
    """A Python with a blank, a star and a letter beyond ASCII among its words."""
    with running(system_python, folders, "states.py", "idle", "a * \u00e9", pipes=["begin"]) as target:
        target.wait_idle()
        yield target


def words(offered):
    """Without what is said of them."""
    return {re.split(r"\t|  \(", line)[0] for line in offered}


def helped(command):
    """The options that the help of a command shows."""
    return set(re.findall(r"^  (?:-\w, |    )(--[\w-]+)", gilspy.run("help", command).stdout, re.M))


def commands():
    return re.findall(r"^  (\w+)  ", gilspy.run("help").stdout.split("Options:")[0], re.M)


def test_commands(shell):
    assert words(shell.offers("gilspy ")) >= set(commands())
    assert {word for word in words(shell.offers("gilspy ")) if not word.startswith("-")} == set(commands())
    assert words(shell.offers("gilspy du")) == {"dump"}
    assert words(shell.offers("gilspy help to")) == {"top"}
    assert words(shell.offers("gilspy help ")) == set(commands())
    assert words(shell.offers("gilspy --")) == {"--help", "--version"}
    assert words(shell.offers("gilspy nonsense ")) == set()


@pytest.mark.slow
@pytest.mark.parametrize("command", commands())
def test_options(shell, command):
    assert words(shell.offers("gilspy %s --" % command)) == helped(command)
    assert helped(command)


def test_words_for_an_option(shell):
    assert words(shell.offers("gilspy dump --color ")) == {"auto", "always", "never"}
    assert words(shell.offers("gilspy dump --color=a")) == {"auto", "always"}
    assert words(shell.offers("gilspy dump --max-pause ")) == {"1%", "2%", "5%", "10%"}
    assert words(shell.offers("gilspy ps --assume-python 3.1")) == {"3.1%d" % minor for minor in range(6)}
    assert words(shell.offers("gilspy top --rate m")) == {"max"}


def test_processes(shell, named, target):
    for line in ("gilspy dump -p ", "gilspy dump -jp ", "gilspy dump --pid ", "gilspy dump --pid="):
        offered = words(shell.offers(line))
        assert {str(named.pid), str(target.pid)} <= offered and all(word.isdigit() for word in offered)
    offered = words(shell.offers("gilspy dump -p %d," % named.pid))
    assert {"%d,%d" % (named.pid, target.pid), str(target.pid)} & offered
    offered = words(shell.offers("gilspy dump -p %d" % named.pid))
    assert str(named.pid) in offered and str(target.pid) not in offered


def test_processes_have_names(named, target, tmp_path):
    """bash shows them where there is a choice, and inserts only the number; fish as a description."""
    expected = r"states.py .* idle a \* \\xe9"
    offered = shells.Bash(tmp_path).offers("gilspy dump -p ")
    assert all(re.fullmatch(r"\d+  \(.*\)", line) for line in offered)
    line, = [line for line in offered if line.startswith("%d " % named.pid)]
    assert re.search(r"\(/usr/bin/python3 ", line)
    if shutil.which("fish"):
        line, = [line for line in shells.Fish(tmp_path).offers("gilspy dump -p ") if line.startswith(str(named.pid))]
        assert re.search(expected, line)


def test_threads(shell, target):
    for line in ("gilspy dump -p %d --thread ", "gilspy dump --pid=%d --thread "):
        assert words(shell.offers(line % target.pid)) == {"MainThread", "worker"}
    assert words(shell.offers("gilspy dump -p %d --thread w" % target.pid)) == {"worker"}
    assert words(shell.offers("gilspy dump --thread ")) == set()


def test_program(shell, folder):
    """What stands behind -- is a line of its own."""
    assert "gilspy" in words(shell.offers("gilspy record -- gilsp"))
    assert "profile-two" in words(shell.offers("gilspy record -s -- cat profile-", cwd=folder))
    assert words(shell.offers("gilspy record --mod")) == {"--mode"}


def test_users_and_formats(shell):
    assert "root" in words(shell.offers("gilspy record -u roo"))
    assert words(shell.offers("gilspy record -f ")) >= {"svg", "folded", "gilspy"}
    assert words(shell.offers("gilspy record --format=sv")) == {"svg"}


@pytest.mark.parametrize("option", ["-o", "--output"])
def test_files(shell, folder, option):
    offered = {os.path.basename(word) for word in words(shell.offers("gilspy dump %s %s/prof" % (option, folder)))}
    assert offered in ({"profile one", "profile-two"}, {r"profile\ one", "profile-two"})
    assert "profile-two" in words(shell.offers("gilspy dump %s " % option, cwd=folder))


def test_no_files_elsewhere(shell, folder):
    for line in ("gilspy ", "gilspy dump --color ", "gilspy help ", "gilspy dump -p "):
        assert not [word for word in words(shell.offers(line, cwd=folder)) if "profile" in word]


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_as_it_is_typed(folder, named, tmp_path):
    """With the readline of an interactive bash: what is inserted into the line."""
    bash = shells.Terminal(["bash", "--norc", "--noprofile", "-i"], tmp_path, cwd=folder)
    try:
        bash.type("PS1=; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; "
                  "source $COMPLETIONS/gilspy; gilspy() { [ -z \"$COMP_LINE\" ] || { command gilspy \"$@\"; return; }; "
                  "printf '<%s>' \"$@\" >&$OFFERS; echo >&$OFFERS; }; echo >&$OFFERS\n")
        bash.wait(lambda: b"\n" in bash.said, "bash to begin")
        for typed, seen in (("gilspy du\t--col\talw\t", "<dump><--color><always>"),
                            ("gilspy dump -o profile-\t -j", "<dump><-o><profile-two><-j>"),
                            ("gilspy dump -o profile\\ \t -j", "<dump><-o><profile one><-j>"),
                            ("gilspy dump -p %d\t-j" % named.pid, "<dump><-p><%d><-j>" % named.pid)):
            bash.said = b""
            bash.type(typed + "\n")
            bash.wait(lambda: b"\n" in bash.said, "the command to run")
            assert bash.said.decode() == seen + "\n"
    finally:
        bash.end()
