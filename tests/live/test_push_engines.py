"""record --push to real servers: what they give back is what report says of the same samples."""
import json
import re
import subprocess

import pytest

import engines
import gilspy
import recording
from target import until

pytestmark = pytest.mark.slow

TYPES = ("wall", "cpu", "gil", "wait", "locks")
KIND = "cpython:%s:nanoseconds:wall:nanoseconds"
WORK = """
import sys, threading
def spin():
    while True: sum(range(1000))
for i in range(3): threading.Thread(target=spin, name="worker-%d" % i, daemon=True).start()
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def working():
    """Threads that wait for each other, in a process with a name of its own."""
    with subprocess.Popen(["/usr/bin/python3", "-c", WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={"OTEL_SERVICE_NAME": "shop {\"1\"}, ünder = \x1b attack"}) as process:
        process.stdout.readline()
        yield process
        process.kill()


def push(process, url, path, *words):
    done = gilspy.run("record", "-j", "-p", process.pid, "-d", "5s", "--every", "2s", "--push", url, "-o", path, *words)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["pushed"]["profiles"] > 1 and document["pushed"]["lost"] == 0
    return document


def reported_ns(path, kind, *words):
    done = gilspy.run("report", path, "-m", kind, "-f", "folded", "-o", "-", *words)
    assert done.returncode == 0
    return 1000 * sum(recording.read_folded(done.stdout).values())


def near(ns, expected_ns):
    return abs(ns - expected_ns) <= 0.01 * expected_ns


def test_pyroscope(working, tmp_path):
    with engines.pyroscope(tmp_path) as server:
        push(working, "pyroscope+" + server.url, tmp_path / "a.gilspy", "--label", "env=test")
        expected = {kind: reported_ns(tmp_path / "a.gilspy", kind) for kind in TYPES}
        waiting = reported_ns(tmp_path / "a.gilspy", "wait", "--thread", "worker-*")
        until(lambda: near(server.total_ns(KIND % "wall", "{}")[0], expected["wall"]), "what was pushed")
        assert server.types() == {KIND % kind for kind in TYPES}
        for kind in TYPES:
            ns, names = server.total_ns(KIND % kind, '{env="test", pid="%d"}' % working.pid)
            assert expected[kind] > 0 and near(ns, expected[kind]), (kind, ns, expected[kind])
            assert "spin" in names
        assert near(server.total_ns(KIND % "wait", '{thread_group="worker-*"}')[0], waiting)
        assert {each["service_name"] for each in server.series()} == {'shop {"1"}, ünder = \\x1b attack'}
        assert {each["thread_group"] for each in server.series()} == {"MainThread", "worker-*"}


def collected(log):
    """Of what the collector's debug exporter wrote: how many requests, and the sum of each type in ns."""
    sums, kind = dict.fromkeys(TYPES, 0), ""
    text = log.read_text(encoding="utf-8")
    for number, value in re.findall(r"^Profile #(\d)|^        Values: \[(\d+)\]", text, re.MULTILINE):
        kind = TYPES[int(number)] if number else kind
        sums[kind] += int(value or 0)
    return text.count("Profile #3"), sums


def test_collector(working, tmp_path):
    with engines.collector(tmp_path) as url:
        document = push(working, "otlp+" + url, tmp_path / "a.gilspy", "--label", "env=test")
        until(lambda: collected(tmp_path / "log")[0] == document["pushed"]["profiles"], "what was pushed")
    _, sums = collected(tmp_path / "log")
    for kind in TYPES:
        assert near(sums[kind], reported_ns(tmp_path / "a.gilspy", kind)), (kind, sums)
    text = (tmp_path / "log").read_text(encoding="utf-8")
    for words in ('service.name: Str(shop {"1"}, ünder = \\x1b attack)', "process.pid: Int(%d)" % working.pid, "env: Str(test)",
                  "thread_group: Str(worker-*)", "    spin\n"):
        assert words in text


def test_collector_without_profiles(working, tmp_path):
    """A collector that was not told to take profiles is named as such."""
    with engines.collector(tmp_path) as url:
        done = gilspy.run("record", "-p", working.pid, "-d", "300ms", "--push", f"otlp+{url}/elsewhere")
    assert done.returncode == 1 and "service.profilesSupport" in done.stderr


def test_parca(working, tmp_path):
    with engines.parca(tmp_path) as server:
        push(working, "parca+" + server.url, tmp_path / "a.gilspy", "--label", "env=test")
        expected = {kind: reported_ns(tmp_path / "a.gilspy", kind) for kind in TYPES}
        until(lambda: near(server.total_ns(KIND % "wall" + ":delta{}"), expected["wall"]), "what was pushed")
        assert server.types() == {KIND % kind + ":delta" for kind in TYPES}
        for kind in TYPES:
            ns = server.total_ns((KIND % kind) + ':delta{env="test", pid="%d"}' % working.pid)
            assert near(ns, expected[kind]), (kind, ns, expected[kind])
