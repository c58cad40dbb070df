"""dump -l: values as the interpreter itself shows them; those that are large, deep or cyclic shortened."""
import re

import pytest

import gilspy
from target import running


@pytest.fixture(scope="module")
def frames(python, folders):
    """The target, what it says of its values, and the locals that gilspy shows by function."""
    with running(python, folders, "locals.py", pipes=["park"]) as target:
        for name in ("small", "odd", "cells", "secret"):
            target.wait_reading(target.began["tids"][name], "park")
        truth = target.ask("shown")["answer"]
        target.wait_idle()
        document = gilspy.dump(target.pid, "-l")
        seen = {frame["function"]: frame["locals"] for thread in document["threads"] for frame in thread["frames"]}
        yield target, truth, seen


def test_small_values(python, frames):
    _, truth, seen = frames
    expected = dict(truth["small_values"])
    if python.major == 2:  # sets are shown as Python 3 writes them
        expected.update(one_set="{7}", one_frozen="frozenset({8})")
    assert seen["small_values"] == expected


def test_cells(frames):
    _, truth, seen = frames
    assert seen["inner"] == truth["inner"]
    assert {"argument": "5", "shared": "'shared'", "own": "11"}.items() <= seen["cells"].items()


ODD = {
    "controls": r"u?'tab\\tline\\nescape\\x1b\[31m null\\x00'",
    "umlauts": "u?'Größe'",
    "japanese": "u?'日本語'",
    "emoji": "u?'🐍'",
    "lone": r"u?'(\\ud800|\ufffd)'",
    "long_text": r"'x{50,250}'\.\.\.",
    "long_bytes": r"b?'y{50,250}'\.\.\.",
    "long_list": r"\[0, 1, 2, .*\.\.\.\]",
    "deep": r"\[+\.\.\.\]+",
    "cyclic_list": r"\[1, \[.*\.\.\..*\]\]",
    "cyclic_dict": r"\{'self': \{.*\.\.\..*\}\}",
    "instance": r"<Point object at 0x[0-9a-f]+>",
    "empty_instance": r"<Empty object at 0x[0-9a-f]+>",
    "a_class": r"<class 'Point'>",
    "a_function": r"<function 'note'>",
    "a_builtin": r"<builtin_function_or_method .*>",
    "a_module": r"<module 'sys'>",
    "ordered": r".*\{'a': 1\}.*",
    "counter": r".*\{'a': 2, 'b': 1\}.*",
    "default": r".*\{\}.*",
    "generator": r"<generator object at 0x[0-9a-f]+(, in <genexpr> \(locals\.py:\d+\))?>",
    "complex_number": r"<complex .*>|\(1\+2j\)",
    "monstrous": r"<int of 14037 bits>",
    "_": "999",
}


def test_odd_values(python, frames):
    _, _, seen = frames
    odd = seen["odd_values"]
    wrong = {name: odd.get(name) for name, pattern in ODD.items() if not re.fullmatch(pattern, odd.get(name, ""))}
    assert python.at_least < (3, 7) or ", in <genexpr> (" in odd["generator"]
    assert not wrong and set(odd) == set(ODD)
    assert all(len(value.encode("utf-8", "replace")) < 256 for value in odd.values())


def test_secrets(frames):
    """Values whose names look secret are hidden, in text and JSON alike, unless they are asked for."""
    target, _, seen = frames
    hidden = seen["secret_values"]
    assert {name: hidden[name] for name in ("password", "apiKey")} == dict.fromkeys(("password", "apiKey"), "<hidden>")
    assert {name: hidden[name].lstrip("u") for name in ("author", "token_count", "passwords_checked")} == {
        "author": "'somebody'", "token_count": "5", "passwords_checked": "6"}
    for value in ("'password': <hidden>", "'host': 'db1'", "'tokenize': 1"):
        assert value in hidden["config"]
    assert re.fullmatch(r"\[\(b?'authorization', <hidden>\), \(b?'host', b?'db1'\)\]", hidden["headers"])
    assert re.sub("[bu]'", "'", hidden["options"]) in ("{'Set-Cookie': <hidden>, 'x-api-key': <hidden>}",
                                                       "{'x-api-key': <hidden>, 'Set-Cookie': <hidden>}")
    text = gilspy.run("dump", "-l", "-p", target.pid, "--thread", "secret").stdout
    assert "hunter2" not in text and text.count("<hidden>") == 7
    shown = gilspy.run("dump", "-l", "-p", target.pid, "--thread", "secret", "--show-secrets").stdout
    assert "<hidden>" not in shown and shown.count("hunter2") == 7


def test_text_is_harmless(frames):
    """Nothing that a variable contains reaches the terminal as it is."""
    target, _, _ = frames
    done = gilspy.run("dump", "-l", "-p", target.pid)
    assert (done.returncode, done.stderr) == (0, "") and "umlauts" in done.stdout
    assert not set(done.stdout) & set(map(chr, [*range(10), *range(11, 32), 127]))


def test_whole_values(frames):
    """All of a value, up to the bound; attributes of instances, secret ones hidden."""
    target, _, _ = frames

    def values(*words):
        document = gilspy.dump(target.pid, *words)
        return {frame["function"]: frame["locals"] for thread in document["threads"] for frame in thread["frames"]}
    whole = values("--locals=full")
    odd = whole["odd_values"]
    assert 4000 < len(odd["long_text"]) < 4096 and odd["long_text"].endswith("x...")
    assert odd["long_list"].startswith("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ") and 4000 < len(odd["long_list"]) < 4096
    assert odd["instance"].startswith("Point(") and re.search(r"cyclic|\[1, \[\.\.\.\]\]", odd["cyclic_list"])
    assert "hunter2" not in str(whole)
    assert all(len(value.encode("utf-8", "replace")) < 100 for value in values("--locals=full:100")["odd_values"].values())


def test_values_by_path(frames):
    """In each frame that has it, beside all variables or alone."""
    target, truth, _ = frames
    document = gilspy.dump(target.pid, "--show", "long_list[-1]", "--show", "config['db']['password']", "--show", "config['db']['host']",
                           "--show", "headers[0][1]")
    shown = [frame["locals"] for thread in document["threads"] for frame in thread["frames"] if frame["locals"]]
    assert sorted(map(str, shown)) == sorted(map(str, [{"long_list[-1]": "99999"},
                                                       {"config['db']['password']": "<hidden>", "config['db']['host']": "'db1'",
                                                        "headers[0][1]": "<hidden>"}]))
    text = gilspy.run("dump", "-p", target.pid, "--show", "config['db']['password']", "--show-secrets").stdout
    assert re.search(r"^        config\['db'\]\['password'\] = u?'hunter2", text, re.M)
    lacks = gilspy.run("dump", "-p", target.pid, "--show", "config['db']['host']", "--show", "nobody.has[0]")
    assert (lacks.returncode, lacks.stderr) == (0, "gilspy: no frame that was read has nobody.has[0]\n")
    wrong = gilspy.run("dump", "-p", target.pid, "--show", "config[")
    assert wrong.returncode == 2 and "A path begins with a variable" in wrong.stderr
