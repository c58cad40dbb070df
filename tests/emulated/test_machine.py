"""What a new user does first, on a machine with another processor: script/demo.py, whose hog is a 16th here, and more of
the commands."""
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as tree

import pytest

import gilspy
from spaces import choose
from target import Folders, running, until
from tracing import measuring

DEMO = os.path.join(gilspy.SOURCE, "script", "demo.py")


@pytest.fixture(scope="module")
def demo():
    with open(DEMO) as file:
        source = file.read()
    assert '"a" * 23' in source
    command = [sys.executable, "-c", source.replace('"a" * 23', '"a" * 19')]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process.pid
        process.kill()


def output(*words):
    done = gilspy.run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_looks(demo):
    row, = json.loads(output("ps", "-j", "-p", demo))["processes"]
    assert row["watchable"] and row["threads"] == 5
    threads = gilspy.threads_by_name(gilspy.dump(demo))
    assert set(threads) == {"MainThread", "parser", "counter", "library", "idle"}
    assert threads["idle"]["gil"] == "without"
    assert "parser" in output("top", "--once", "-d", "2", "-p", demo)


def test_flame_graph(demo, tmp_path):
    path = tmp_path / "flame.svg"
    gilspy.run("record", "-d", "2", "-o", path, "-p", demo)
    assert tree.parse(path).getroot().tag.endswith("svg") and "tokenize" in path.read_text()


def test_why(demo):
    def hog():
        verdicts = json.loads(output("why", "-j", "-p", demo))["verdicts"]
        return [verdict for verdict in verdicts if verdict["kind"] == "gil_hog"]
    assert "parser" in until(hog, "the hog to be seen")[0]["text"]


CALLERS, CALLS = ["call-%d" % number for number in range(3)], 1000
PIPES = [*CALLERS, "hold-0", "hold-1", "hold-2"]


@pytest.fixture
def folders():
    made = Folders()
    yield made
    made.remove()


@pytest.mark.parametrize("kind, where", [("3.11", "system"), ("3.13", "trixie")])
def test_exact(folders, kind, where):
    """Each take of three threads, in a run of which gilspy does not say itself that this slow machine lost some."""
    with running(choose(kind, where), folders, "exact.py", str(CALLS), "0", pipes=PIPES) as target:
        def whole():
            with measuring(target.pid, "--max-overhead", "off") as document:
                for name in CALLERS:
                    target.feed(name)
                for name in CALLERS:
                    target.wait_reading(target.began["tids"][name], name)
            return document["method"] == "exact" and document
        for name in CALLERS:
            target.wait_reading(target.began["tids"][name], name)
        target.wait_idle()
        document = until(whole, "a run without a loss")
    rows = {row["name"]: row["acquisitions"] for row in document["threads"]}
    assert {name: rows[name] for name in CALLERS} == dict.fromkeys(CALLERS, CALLS + 1)
    assert (document["violations"], document["events_lost"]) == (0, 0)
