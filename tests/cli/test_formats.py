"""One recording of a real program in the formats for other programs: chosen by extension or name, all of the same time."""
import gzip
import json
import pstats
import re
import sys

import pytest

import gilspy

FORMATS = ("html", "svg", "folded", "speedscope", "chrome", "source", "gecko", "pprof", "callgrind", "pstats", "jsonl",
           "gilspy")
PROGRAM = """
import threading, time
def work(end):
    while time.monotonic() < end:
        sum(i * i for i in range(1000))
        try:
            raise ValueError
        except ValueError:
            sum(i * i for i in range(1000))
def take(lock):
    with lock:
        pass
end = time.monotonic() + 1
threads = [threading.Thread(target=work, args=(end,), name='worker-%d' % i) for i in range(2)]
lock = threading.Lock()
lock.acquire()
threads.append(threading.Thread(target=take, args=(lock,)))
[t.start() for t in threads]
work(end)
lock.release()
[t.join() for t in threads]
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("recording") / "run.gilspy")
    done = gilspy.run("record", "-r", "200", "--locks", "--opcodes", "-o", path, "--", sys.executable, "-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    return path


def report(recording, path, *options):
    done = gilspy.run("report", recording, "-o", str(path), *options)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    return path


@pytest.fixture(scope="module")
def wall_us(recording, tmp_path_factory):
    path = report(recording, tmp_path_factory.mktemp("folded") / "run.folded", "-m", "wall")
    return sum(int(line.rpartition(" ")[2]) for line in path.read_text(encoding="utf-8").splitlines())


def test_chrome(recording, wall_us, tmp_path):
    document = json.loads(report(recording, tmp_path / "run.trace.json", "-m", "wall").read_text(encoding="ascii"))
    signs = {"B": -1, "E": 1}
    for offset in (1, 2):  # the track of states, that of functions; 0 is of neither
        depth, sum_us = {}, 0
        for event in document["traceEvents"]:
            if event["ph"] in signs and event["tid"] % 10 == offset:
                before = depth.get(event["tid"], 0)
                depth[event["tid"]] = before - signs[event["ph"]]
                if 0 in (before, depth[event["tid"]]):
                    sum_us += signs[event["ph"]] * event["ts"]
        assert sum_us == pytest.approx(wall_us, rel=0.01)
    assert document["metadata"]["mode"] == "wall"


def speedscope_us(path):
    profiles = json.loads(path.read_text(encoding="ascii"))["profiles"]
    return sum(weight for profile in profiles
               for stack, weight in zip(profile["samples"], profile["weights"]) if stack) / 1000


def callgrind_us(path):
    text = path.read_text(encoding="utf-8")
    own = re.sub(r"calls=.*\n.*\n", "", text)
    total = sum(int(ns) for ns in re.findall(r"^\d+ (\d+)", own, re.M)) / 1000
    assert int(re.search(r"^summary: (\d+)", text, re.M).group(1)) / 1000 == total
    return total


def pstats_us(path):
    stats = pstats.Stats(str(path))
    for _, calls, own, whole, callers in stats.stats.values():
        assert own <= whole + 1e-9 and calls >= 0
        assert sum(call[2] for call in callers.values()) <= own + 1e-6
    return stats.total_tt * 1e6


def gecko_us(path):
    threads = json.loads(path.read_text(encoding="ascii"))["threads"]
    return sum(sum(thread["samples"]["weight"]) for thread in threads) * 1000


def source_us(folder):
    """What was seen in lines of files, of which there is a page each."""
    return sum(int(us) for page in folder.iterdir() if page.name != "index.html"
               for us in re.findall(r'<tr id="L\d+" class="seen"><td class="own heat\d" data-us="(\d+)"', page.read_text(encoding="utf-8")))


SUMS = {".gecko.json": gecko_us, ".speedscope.json": speedscope_us, ".callgrind": callgrind_us, ".pstats": pstats_us}


@pytest.mark.parametrize("mode", ("active", "wall", "cpu", "gil", "wait", "blame", "await", "locks", "exception"))
def test_same_time_in_each(recording, tmp_path, mode):
    folded = report(recording, tmp_path / "run.folded", "-m", mode).read_text(encoding="utf-8")
    expected = sum(int(line.rpartition(" ")[2]) for line in folded.splitlines())
    assert "take (" in folded or mode not in ("wall", "blame", "locks")
    for extension, sum_of in SUMS.items():
        us = sum_of(report(recording, tmp_path / ("run" + extension), "-m", mode))
        assert us == pytest.approx(expected, rel=0.001, abs=100), extension
    instruction = r"(;\w+( \(\w+\))?)?"  # is its line's own
    lines = sum(int(line.rpartition(" ")[2]) for line in folded.splitlines() if re.search(r"\D:\d+\)" + instruction + r" \d+$", line))
    report(recording, tmp_path / "run.source", "-m", mode)
    assert source_us(tmp_path / "run.source") == pytest.approx(lines, rel=0.001, abs=100)


def test_jsonl(recording, wall_us, tmp_path):
    lines = [json.loads(line) for line in
             report(recording, tmp_path / "run.jsonl", "-m", "wall").read_text(encoding="ascii").splitlines()]
    assert [line["type"] for line in (lines[0], lines[1], lines[-1])] == ["run", "process", "end"]
    assert sum((sample["weight_us"] + sample["gap_us"]) * len(sample["threads"]) for sample in lines
               if sample["type"] == "sample") == pytest.approx(wall_us, rel=0.01)
    names = {thread["name"] for sample in lines for thread in sample.get("threads", ())}
    assert names >= {"MainThread", "worker-0", "worker-1"}


def test_jsonl_on_stdout(recording, tmp_path):
    done = gilspy.run("report", recording, "-f", "jsonl", "-o", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == report(recording, tmp_path / "run.jsonl").read_text(encoding="ascii")


def test_pprof(recording, tmp_path):
    with gzip.open(report(recording, tmp_path / "run.pb.gz")) as file:
        profile = file.read()
    for text in (b"worker-1", b"holds", b"wall", b"nanoseconds", b"work"):
        assert text in profile


def test_names(recording, tmp_path):
    """py-spy's name for the timeline works too."""
    by_name = report(recording, tmp_path / "a", "-f", "chrometrace")
    assert by_name.read_bytes() == report(recording, tmp_path / "b.trace.json").read_bytes()


@pytest.mark.parametrize("options", (("-f", "chrom"), ("-o", "x.json")))
def test_unknown(recording, options):
    done = gilspy.run("report", recording, *options)
    assert done.returncode == 2
    for name in FORMATS:
        assert re.search(r"\b%s\b" % name, done.stderr)
