"""Pythons without a GIL: several threads run Python at the same time, and nobody holds or waits for anything."""
import re

import pytest

import gilspy
from target import running

pytestmark = pytest.mark.slow

LOOKS = 60
LEGAL = {  # who may call whom; loop_2 makes the generator that the other one runs
    "step_0": {"loop_0"}, "step_1_inner": {"step_1"}, "step_1": {"loop_1"}, "numbers_2": {"<genexpr>", "loop_2"},
    "<genexpr>": {"loop_2"}, "loop_0": {"run"}, "loop_1": {"run"}, "loop_2": {"run"},
}


def wanted(python):
    return not python.has_gil


@pytest.fixture(scope="module")
def target(python, folders):
    with running(python, folders, "parallel.py", pipes=["park"]) as target:
        target.wait_reading(target.began["tids"]["parked \u00e9\u20ac"], "park")
        target.wait_idle()
        yield target


def check_loop(thread, number):
    frames = [frame["function"] for frame in thread["frames"] if frame["kind"] == "python"]
    whole = len(frames) == len(thread["frames"])
    for callee, caller in zip(frames, frames[1:]):
        assert caller in LEGAL.get(callee, {caller})
    own = [function for function in frames if re.search(r"_\d", function)]
    assert all(re.search(r"_%d" % number, function) for function in own)
    assert not whole or (frames[-1] == "_bootstrap" and "loop_%d" % number in frames)
    return whole


def test_none_holds(target):
    """Everybody has none, exactly; who computes is runnable, who sleeps is not."""
    both = 0
    for _ in range(LOOKS):
        document = gilspy.dump(target.pid)
        assert document["process"]["build"] == "free-threaded"
        gil = document["interpreters"][0]["gil"]
        assert (gil["state"], gil["holder"], gil["waiters"]) == ("disabled", None, [])
        threads = gilspy.threads_by_name(document)
        assert {(thread["gil"], thread["evidence"]) for thread in threads.values()} == {("none", "exact")}
        assert not threads["MainThread"]["runnable"] and not threads["parked \u00e9\u20ac"]["runnable"]
        both += sum(threads["loop-%d" % number]["runnable"] for number in range(3)) > 1
    assert both > 0


def test_stacks_while_all_run(target):
    """Each thread shows its own functions only, whole when the thread may be stopped for it."""
    for how in [], ["--blocking"], ["--nonblocking"]:
        whole = 0
        for _ in range(LOOKS):
            threads = gilspy.threads_by_name(gilspy.dump(target.pid, *how))
            for number in range(3):
                whole += check_loop(threads["loop-%d" % number], number)
        assert whole >= (0 if how == ["--nonblocking"] else 3 * LOOKS * 9 // 10)


def test_locals(target):
    threads = gilspy.threads_by_name(gilspy.dump(target.pid, "-l"))
    frame = next(frame for frame in threads["parked \u00e9\u20ac"]["frames"] if frame["function"] == "park")
    assert frame["locals"] == {"label": "'gr\u00fc\u00df \u20ac'", "count": str(2 ** 70),
                               "unused": "['gr\u00fc\u00df \u20ac', %d, 2.5, True, None]" % 2 ** 70}


def test_ps(target):
    done = gilspy.run("ps", "--json", "-p", target.pid)
    assert '"gil": "disabled"' in done.stdout and '"build": "free-threaded"' in done.stdout
