"""Files for speedscope against the schema that speedscope publishes, and against the times that folded has."""
import collections
import json
import os
import shutil
import subprocess
import tarfile
import tempfile

import pytest
from made import BUILD, folded

pytestmark = pytest.mark.slow

PACKAGE = "speedscope@1.25.0"
SCHEMA = "package/dist/release/file-format-schema.json"
PLAYS = ("app", "processes", "free", "hostile", "deep", "empty")


@pytest.fixture(scope="session")
def schema():
    jsonschema = pytest.importorskip("jsonschema", reason="needs python3-jsonschema, which script/setup installs")
    package = os.path.join(BUILD, "speedscope", PACKAGE + ".tgz")
    os.makedirs(os.path.dirname(package), exist_ok=True)
    if not os.path.exists(package):
        if not shutil.which("npm"):
            pytest.skip("no npm here, which fetches speedscope's schema")
        with tempfile.TemporaryDirectory(dir=os.path.dirname(package)) as folder:  # several processes may fetch it
            try:
                done = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, timeout=120,
                                      encoding="utf-8")
            except subprocess.TimeoutExpired:
                pytest.skip("speedscope's schema did not come in time")
            if done.returncode:
                pytest.skip("speedscope's schema cannot be fetched: " + done.stderr[-200:])
            os.replace(os.path.join(folder, done.stdout.strip()), package)
    with tarfile.open(package) as archive:
        return jsonschema.Draft7Validator(json.load(archive.extractfile(SCHEMA)))


@pytest.mark.parametrize("mode", ("active", "wall", "blame"))
@pytest.mark.parametrize("play", PLAYS)
def test_schema(draw, schema, play, mode):
    for flags in ((), ("threads", "function")):
        with open(draw(play, "speedscope", mode, *flags), encoding="ascii") as file:
            document = json.load(file)
        assert [error.message for error in schema.iter_errors(document)] == []


@pytest.mark.parametrize("mode", ("active", "wall", "cpu", "gil", "wait", "blame"))
@pytest.mark.parametrize("play", ("app", "processes", "deep"))
def test_times(draw, play, mode):
    """All profiles together are what folded says; each is as long as the run."""
    with open(draw(play, "speedscope", mode), encoding="ascii") as file:
        document = json.load(file)
    frames = document["shared"]["frames"]
    sums = collections.Counter()
    for profile in document["profiles"]:
        assert len(profile["samples"]) == len(profile["weights"])
        assert sum(profile["weights"]) == profile["endValue"] - profile["startValue"]
        assert all(a != b for a, b in zip(profile["samples"], profile["samples"][1:]))
        for stack, weight in zip(profile["samples"], profile["weights"]):
            sums[tuple(name(frames[number]) for number in stack)] += weight / 1000
    del sums[()]
    expected = collections.Counter()
    for stack, time in folded(draw(play, "folded", mode)):
        expected[tuple(stack[1:] if play == "processes" else stack)] += time
    assert sums == expected


def name(frame):
    if "file" not in frame:
        return frame["name"]
    return "%s (%s%s)" % (frame["name"], frame["file"], ":%d" % frame["line"] if "line" in frame else "")


def test_quality(draw):
    with open(draw("app", "speedscope"), encoding="ascii") as file:
        document = json.load(file)
    assert document["exporter"] == "gilspy 0.1.0"
    assert document["name"] == "python3 app.py --workers 4 (pid 4242), mode wall"
    assert document["gilspy"]["mode"] == "wall" and document["gilspy"]["quality"]["torn"] == 8
    assert document["profiles"][document["activeProfileIndex"]]["name"] == "MainThread (4242)"
