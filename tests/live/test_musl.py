"""A Python that has musl in it: no library tells which C library that is, and none can be loaded. Those with musl's
library are among the Pythons of the other tests."""
import os

import pytest

import gilspy
import pythons
from target import FUTEX, READ, running, until

PIPES = ("hold", "turn-0", "turn-1", "turn-2")


@pytest.fixture
def target(folders):
    found = [python for python in pythons.discover()[0] if os.path.exists(python.path + "-static")]
    if not found:
        pytest.skip("no static Python of musl: script/setup --musl makes it")
    with running(found[0], folders, "bare.py", pipes=PIPES, path=found[0].path + "-static") as target:
        for name, pipe in ("holder", "hold"), ("victim-0", "turn-0"), ("victim-1", "turn-1"), ("victim-2", "turn-2"):
            target.wait_reading(target.began["tids"][name], pipe)
        target.wait_calling(target.began["tids"]["locked"], FUTEX)
        target.wait_calling(target.began["tids"]["MainThread"], READ)
        yield target


def words_of(document):
    return {name: thread["gil"] for name, thread in gilspy.threads_by_name(document).items()}


def test_static(target):
    tids = target.began["tids"]
    document = gilspy.dump(target.pid)
    assert {name: thread["tid"] for name, thread in gilspy.threads_by_name(document).items()} == tids
    assert set(words_of(document).values()) == {"without"}
    target.feed("hold")
    until(lambda: target.call_of(tids["holder"]) is None and
          words_of(gilspy.dump(target.pid))["holder"] == "holds", "the holder to hold it")
    for number in range(3):
        target.feed("turn-%d" % number)
        target.wait_calling(tids["victim-%d" % number], FUTEX)
    for _ in range(5):
        assert words_of(gilspy.dump(target.pid)) == {"holder": "holds", "victim-0": "waits", "victim-1": "waits",
                                                     "victim-2": "waits", "MainThread": "without", "locked": "without"}
