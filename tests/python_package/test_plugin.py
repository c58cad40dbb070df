"""pytest --gilspy, @pytest.mark.gil, --gilspy-report."""
import os
import re
import types

import pytest

TOOLS = os.environ.get("GILSPY_PYTHONS", "/var/cache/gilspy/pythons") + "/wheel/bin/python"
KEEPS = """
import ctypes, threading, time
import pytest

def keeps_the_gil(seconds):
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))  # PyDLL: the GIL is not given up

def lets_go(seconds):
    ctypes.CDLL(None).usleep(int(seconds * 1e6))
"""


PLUGIN = ("-p", "gilspy._pytest", "-p", "no:cacheprovider")


@pytest.fixture
def plugged(pytester):
    """Runs pytest on a file of tests, with the plugin and nothing else."""
    def run(source, *words):
        pytester.makepyfile(KEEPS + source)
        return pytester.runpytest_subprocess(*PLUGIN, *words)
    return run


def test_off_unless_asked(plugged):
    result = plugged("def test_it(): assert threading.active_count() == 1 and 'gilspy' not in str(threading.enumerate())")
    result.assert_outcomes(passed=1)
    assert "gilspy" not in result.stdout.str()


def test_the_table(plugged):
    result = plugged("def test_keeps(): keeps_the_gil(1)\ndef test_sleeps(): lets_go(0.05)\n", "--gilspy")
    result.assert_outcomes(passed=2)
    lines = result.stdout.str().splitlines()
    head = next(i for i, line in enumerate(lines) if "the GIL, by gilspy" in line)
    assert "longest hold" in lines[head + 1]
    assert "test_keeps" in lines[head + 2] and float(lines[head + 2].split()[0]) > 100
    assert "usleep" in lines[head + 3] or "keeps_the_gil" in lines[head + 3]


def test_a_hold_that_is_too_long(plugged):
    result = plugged("@pytest.mark.gil(max_hold='100ms')\ndef test_keeps(): keeps_the_gil(1)\n")
    result.assert_outcomes(failed=1)
    said = result.stdout.str()
    kept = float(re.search(r"gil: it kept the GIL for ([0-9.]+) ms, and may for 100.0 ms", said).group(1))
    assert kept > 500 and "keeps_the_gil" in said and re.search(r"nanosleep|usleep", said)


def test_the_newest_pytest(pytester):
    """What plugins may do to an outcome is not what it was."""
    if not os.path.exists(TOOLS):
        pytest.skip("another pytest is not there: script/setup --wheel")
    pytester.makepyfile(KEEPS + "@pytest.mark.gil(max_hold='100ms')\ndef test_keeps(): keeps_the_gil(1)\n"
                        "@pytest.mark.gil(max_hold='5s')\ndef test_other(): pass\n")
    result = pytester.run(TOOLS, "-m", "pytest", *PLUGIN, "--gilspy", "--gilspy-report", "out")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["gil: it kept the GIL for *"])


def test_a_hold_while_there_was_no_processor(plugged):
    """Whoever has the GIL and is sent off its processor keeps it for no fault of its own."""
    result = plugged("import gilspy._pytest\nwaits = iter([{'1': 0.0, '2': 0.0}, {'1': 2e6, '3': 9e6}])\n"
                     "gilspy._pytest.waits_for_processor = lambda: next(waits)\n"
                     "@pytest.mark.gil(max_hold='100ms')\ndef test_keeps(): keeps_the_gil(0.5)\n")
    result.assert_outcomes(passed=1, warnings=1)
    assert re.search(r"kept the GIL for .*; a thread waited for a processor for 2000.0 ms meanwhile", result.stdout.str())


def test_the_code_that_had_most_of_a_hold_is_named():
    """Beside it is what ran until the GIL was given up."""
    import gilspy._pytest
    sleeps, ends, other = (gilspy.Hog(1, name, "a.py", 1, None, None, held_us, longest_us, 1, 0) for name, held_us, longest_us in
                           [("sleeps", 990_000, 999_000), ("ends", 12_000, 1_002_000), ("other", 40_000, 20_000)])
    assert gilspy._pytest.keepers([sleeps, other, ends]) == [sleeps, other]
    assert gilspy._pytest.keepers([ends]) == [ends] and gilspy._pytest.keepers([]) == []
    limits = gilspy._pytest.Limits(types.SimpleNamespace(args=(), kwargs={"max_hold": "100ms"}))
    said, = limits.broken(types.SimpleNamespace(hogs=[sleeps, other, ends], threads=[]), 1, 0)
    assert "in sleeps (a.py:1)" in said


def test_processors_that_were_waited_for():
    import gilspy._pytest
    waits = gilspy._pytest.waits_for_processor()
    assert str(os.getpid()) in waits and all(us >= 0 for us in waits.values())


def test_code_that_lets_go(plugged):
    """Also where it is computed in Python all the time: that gives way when it is asked to."""
    result = plugged("@pytest.mark.gil(max_hold='400ms', max_wait_share=0.99)\ndef test_sleeps(): lets_go(1)\n"
                     "@pytest.mark.gil(max_hold='400ms')\ndef test_computes():\n    for i in range(10000000): pass\n")
    result.assert_outcomes(passed=2)


def test_a_share_that_is_too_large(plugged):
    result = plugged("""
@pytest.mark.gil(max_wait_share=0.05)
def test_waits():
    over = threading.Event()
    def spin():
        while not over.is_set(): sum(range(1000))
    threads = [threading.Thread(target=spin) for _ in range(3)]
    for thread in threads: thread.start()
    for i in range(1000000): pass
    over.set()
    for thread in threads: thread.join()
""")
    result.assert_outcomes(failed=1)
    assert re.search(r"gil: it waited for the GIL for \d+ % of the time, and may for 5 %", result.stdout.str())


def test_a_test_that_fails_itself_tells_its_own_reason(plugged):
    result = plugged("@pytest.mark.gil(max_hold='50ms')\ndef test_it():\n    keeps_the_gil(0.3)\n    assert 'mine' == 'yours'\n")
    result.assert_outcomes(failed=1)
    assert "'mine' == 'yours'" in result.stdout.str() and "gil: it kept" not in result.stdout.str()


@pytest.mark.parametrize("mark, why", [("'5ms'", "by name"), ("", "by name"), ("max=1", "by name"),
                                       ("max_hold='soon'", "a time is written"), ("max_hold='10us'", "less than 1ms")])
def test_marks_that_make_no_sense(plugged, mark, why):
    result = plugged("@pytest.mark.gil(%s)\ndef test_it(): pass\n" % mark)
    assert why in result.stdout.str() and result.ret != 0


def test_what_is_changed_is_changed_back(plugged):
    plugged("""
import sys
@pytest.mark.gil(max_hold='5s')
def test_first(): assert sys.getswitchinterval() <= 0.5 and threading.active_count() == 2
def test_second(): assert sys.getswitchinterval() == pytest.approx(0.005) and threading.active_count() == 1
""").assert_outcomes(passed=2)


def test_reports(plugged, pytester):
    plugged("@pytest.mark.parametrize('x', ['a/b', 'c'])\ndef test_it(x): sum(range(100000))\n", "--gilspy-report", "out/r"
            ).assert_outcomes(passed=2)
    found = sorted(os.listdir(pytester.path / "out" / "r"))
    assert found == ["test_reports.py_test_it_%s_.html" % x for x in ("a_b", "c")]
    assert all((pytester.path / "out" / "r" / name).read_text().startswith("<!") for name in found)


def test_a_process_that_cannot_be_read(plugged, monkeypatch):
    monkeypatch.setenv("GILSPY_PROGRAM", "/nowhere/gilspy")
    result = plugged("def test_it(): pass\n", "--gilspy")
    assert "/nowhere/gilspy" in result.stdout.str() and result.ret != 0


def test_with_xdist(plugged):
    pytest.importorskip("xdist")
    result = plugged("".join("def test_%d(): keeps_the_gil(0.05)\n" % i for i in range(6)), "--gilspy", "-n", "2")
    result.assert_outcomes(passed=6)
    assert len(re.findall(r"ms +\d+ %  .*::test_\d", result.stdout.str())) == 6
