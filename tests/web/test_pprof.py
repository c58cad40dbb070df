"""Profiles: decoded by protoc from our own .proto, by Go's pprof, and against the times that folded has."""
import ast
import collections
import gzip
import os
import re
import shutil
import subprocess

import pytest
from made import BUILD, ROOT, folded

pytestmark = pytest.mark.slow

PLAYS = ("app", "processes", "free", "deep")
TYPES = ["samples", "wall", "cpu", "gil", "wait", "locks"]
SHOWN = {"active": "wall", "wall": "wall", "cpu": "cpu", "gil": "gil", "wait": "wait", "blame": "locks"}
LATE = "[gap: sampler late]"


class Profile:
    """What protoc makes of a file, with the numbers of texts replaced by the texts."""

    def __init__(self, path):
        if not shutil.which("protoc"):
            pytest.skip("no protoc here, which script/setup installs (protobuf-compiler)")
        folder = os.path.join(ROOT, "src", "export", "pprof")
        with gzip.open(path) as file:
            done = subprocess.run(["protoc", "--proto_path=" + folder, "--decode=gs.Profile", "pprof.proto"],
                                  input=file.read(), check=True, capture_output=True, timeout=120, cwd=folder)
        self.fields = parse(iter(done.stdout.decode("ascii").splitlines()))
        self.texts = self.fields["string_table"]
        functions = {number(f, "id"): f for f in self.fields["function"]}
        self.locations = {}
        for location in self.fields["location"]:
            line = location["line"][0]
            self.locations[number(location, "id")] = (functions[number(line, "function_id")], number(line, "line"))
        self.types = [self.text(kind, "type") for kind in self.fields["sample_type"]]
        self.samples = [self.sample(sample) for sample in self.fields["sample"]]

    def text(self, message, field):
        return self.texts[number(message, field)]

    def name(self, location):
        function, line = self.locations[location]
        file = self.text(function, "filename")
        return self.text(function, "name") + (" (%s%s)" % (file, ":%d" % line if line else "") if file else "")

    def sample(self, sample):
        labels = {self.text(label, "key"): self.text(label, "str") or number(label, "num")
                  for label in sample["label"]}
        stack = [self.name(int(location)) for location in reversed(sample["location_id"])]
        return stack, dict(zip(self.types, map(int, sample["value"]))), labels


def number(message, field):
    return int(message[field][0]) if field in message else 0


def parse(lines):
    """protoc's text as {field: [values]}; a message is such a dictionary."""
    message = collections.defaultdict(list)
    for line in lines:
        line = line.strip()
        if line == "}":
            break
        if line.endswith(" {"):
            message[line[:-2]].append(parse(lines))
        else:
            field, _, value = line.partition(": ")
            message[field].append(ast.literal_eval("b" + value).decode("utf-8") if value[0] == '"' else value)
    return message


def expected_times(path):
    times = collections.Counter()
    for stack, time in folded(path):
        times[tuple(stack)] += time
    return times


@pytest.mark.parametrize("mode", SHOWN)
@pytest.mark.parametrize("play", PLAYS)
def test_times(draw, play, mode):
    """What a reader is shown first is what folded has, and each sample is split as its labels say."""
    profile = Profile(draw(play, "pprof", mode))
    assert profile.types == TYPES
    assert profile.text(profile.fields, "default_sample_type") == SHOWN[mode]
    times = collections.Counter()
    for stack, values, labels in profile.samples:
        times[tuple(name.replace(";", ":") for name in stack)] += values[SHOWN[mode]] / 1000
        if stack[-1] != LATE:
            assert values["gil"] == (values["wall"] if labels["gil"] == "holds" else 0)
            assert values["wait"] == (values["wall"] if labels["gil"] == "waits" else 0)
        assert set(labels) == {"thread", "tid", "gil", "pid"}
    expected = expected_times(draw(play, "folded", mode))
    assert sum(times.values()) == pytest.approx(sum(expected.values()), rel=0.01)
    assert {stack: time for stack, time in times.items() if time} == expected


@pytest.mark.parametrize("play", PLAYS)
def test_one_file_has_every_mode(draw, play):
    """The values of mode wall are the sums of the other modes; the five words are all its time."""
    profile = Profile(draw(play, "pprof", "wall"))
    for kind in TYPES[1:]:
        assert sum(values[kind] for _, values, _ in profile.samples) / 1000 == pytest.approx(
            sum(time for _, time in folded(draw(play, "folded", kind))), rel=0.01)
    assert {labels["gil"] for _, _, labels in profile.samples} <= {"holds", "waits", "without", "none", "unknown"}


def test_threads_and_functions(draw):
    profile = Profile(draw("processes", "pprof", "wall", "threads", "function"))
    expected = expected_times(draw("processes", "folded", "wall", "threads", "function"))
    times = collections.Counter()
    for stack, values, _ in profile.samples:
        times[tuple(stack)] += values["wall"] / 1000
    # folded tells threads of one name apart by their tids.
    assert sum(times.values()) == sum(expected.values())
    assert any(stack[1:] == ("sub", "inner (<string>)") for stack in times)


def test_hostile(draw):
    profile = Profile(draw("hostile", "pprof", "wall"))
    assert len(profile.samples) == 14
    assert all(character.isprintable() for text in profile.texts for character in text)
    assert max(map(len, profile.texts)) == 10000


@pytest.fixture(scope="session")
def go():
    if not os.environ.get("GILSPY_TEST_TOOLS"):
        pytest.skip("Go's pprof (a minute to build) only reads profiles when GILSPY_TEST_TOOLS is set, as .ci/run does")
    found = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if not found:
        pytest.skip("no Go here, whose pprof reads profiles")

    def pprof(path, *options):
        return subprocess.run([found, "tool", "pprof", *options, path], check=True, capture_output=True, timeout=240,
                              encoding="utf-8").stdout
    try:
        subprocess.run([found, "tool", "-n", "pprof"], check=True, capture_output=True, timeout=240)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("the Go that is here has no pprof")
    return pprof


@pytest.mark.parametrize("mode", SHOWN)
def test_go(draw, go, mode):
    text = go(draw("app", "pprof", mode), "-top", "-unit=us", "-nodecount=1000", "-nodefraction=0")
    assert re.search(r"^Type: (\w+)$", text, re.M).group(1) == SHOWN[mode]
    assert "File: python3.11" in text and "mode %s: " % mode in text and '"torn": 8' in text
    assert "Time: 2026-01-31 " in text and "Duration: 2.13s" in text
    own = {name: int(us) for us, name in re.findall(r"^ *(\d+)us +[\d.]+% +[\d.]+% +\d+us? +[\d.]+%  (.*)$", text, re.M)}
    expected = collections.Counter()
    for stack, time in folded(draw("app", "folded", mode)):
        expected[re.sub(r" \(/[^)]*\)$", "", stack[-1])] += time
    assert {name: time for name, time in own.items() if time} == expected


@pytest.mark.parametrize("play", ("processes", "hostile", "deep", "empty"))
def test_go_reads_all(draw, go, play):
    text = go(draw(play, "pprof", "wall"), "-raw")
    assert "samples/count wall/nanoseconds[dflt] cpu/nanoseconds gil/nanoseconds wait/nanoseconds" in text
    assert text.count("thread:[") == {"processes": 8, "hostile": 14, "deep": 100, "empty": 0}[play]


def test_go_labels(draw, go):
    text = go(draw("app", "pprof", "wall"), "-tags", "-unit=us")
    assert re.search(r"2130000us \(20\.00%\): worker-1$", text, re.M)
    assert re.search(r"2000000us \(18\.78%\): holds$", text, re.M)
    top = go(draw("app", "pprof", "wall"), "-top", "-unit=us", "-tagfocus=thread=worker-2,gil=holds")
    assert "match" in top
