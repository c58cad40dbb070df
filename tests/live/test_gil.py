"""Who holds the GIL and who waits for it, against targets whose threads stand where they were told to."""
import os

import pytest

import gilspy
from target import FUTEX, POLL, READ, running, until

pytestmark = pytest.mark.every_python

PIPES = ("hold", "gate", "turn-0", "turn-1", "turn-2", "compute", "once")
VICTIMS = {"victim-0": "turn-0", "victim-1": "turn-1", "victim-2": "turn-2"}  # and the pipe that each reads from
LOOKS = 10


@pytest.fixture
def target(python, folders):
    with running(python, folders, "gil.py", pipes=PIPES) as target:
        tids = target.began["tids"]
        until(lambda: all(target.call_of(tid) for tid in tids.values()), "all threads to sleep")
        for name, pipe in [("holder", "hold"), ("computer", "compute"), *VICTIMS.items()]:
            target.wait_reading(tids[name], pipe)
        target.wait_idle()
        yield target


def gil_of(document):
    assert len(document["interpreters"]) == 1
    return document["interpreters"][0]["gil"]


def words_of(document):
    return {name: thread["gil"] for name, thread in gilspy.threads_by_name(document).items()}


def let_hold(target, how=b"r", call=READ):
    tid = target.began["tids"]["holder"]
    os.write(target.pipes["hold"][1], how)
    if call == READ:
        target.wait_reading(tid, "gate")
    else:
        target.wait_calling(tid, call)
    return tid


def let_contend(target, names=VICTIMS):
    for name in names:
        target.feed(VICTIMS[name])
        target.wait_calling(target.began["tids"][name], FUTEX)


def let_go(target):
    """Ends the hold, and waits until every thread has had its turn and sleeps."""
    target.feed("gate")
    target.wait_reading(target.began["tids"]["holder"], "hold")
    for name, pipe in VICTIMS.items():
        target.wait_reading(target.began["tids"][name], pipe)


def test_identity(python, target):
    document = gilspy.dump(target.pid)
    threads = gilspy.threads_by_name(document)
    assert {name: thread["tid"] for name, thread in threads.items()} == target.began["tids"]
    assert {name: thread["ns_tid"] for name, thread in threads.items()} == target.began["tids"]
    assert {name: thread["ident"] for name, thread in threads.items()} == target.began["idents"]
    assert threads["MainThread"]["main"]
    process = document["process"]
    assert process["pid"] == process["ns_pid"] == target.pid
    assert process["python"] == python.version
    assert process["build"] == python.build
    assert process["layout"] == ("debug-offsets" if python.at_least >= (3, 13) else "table")
    assert process["container"] is False


def test_free(python, target):
    for _ in range(LOOKS):
        document = gilspy.dump(target.pid)
        gil = gil_of(document)
        assert (gil["state"], gil["holder"], gil["waiters"]) == (python.free, None, [])
        assert set(words_of(document).values()) == {python.without}
        assert all(thread["runnable"] is False and thread["syscall"] for thread in document["threads"])


@pytest.mark.usefixtures("with_gil")
@pytest.mark.parametrize("how, call, name", [(b"r", READ, "read"), (b"p", POLL, "poll")], ids=["read", "poll"])
def test_held_asleep(target, how, call, name):
    """The holder sleeps in a system call; nobody waits, then three do, then nobody holds it."""
    holder = let_hold(target, how, call)
    document = gilspy.dump(target.pid)
    gil, threads = gil_of(document), gilspy.threads_by_name(document)
    assert (gil["state"], gil["holder"], gil["waiters"]) == ("held", holder, [])
    assert threads["holder"]["gil"] == "holds" and threads["holder"]["evidence"] == "exact"
    assert threads["holder"]["runnable"] is False and threads["holder"]["syscall"] in (name, "p" + name)  # aarch64 has ppoll alone
    assert {word for who, word in words_of(document).items() if who != "holder"} == {"without"}

    let_contend(target)
    for _ in range(LOOKS):
        document = gilspy.dump(target.pid)
        assert gil_of(document)["holder"] == holder
        assert words_of(document) == {"holder": "holds", "victim-0": "waits", "victim-1": "waits", "victim-2": "waits",
                                      "MainThread": "without", "locked": "without", "sleeper": "without",
                                      "computer": "without"}
    if gil["drop_requested"] is not None:
        until(lambda: gil_of(gilspy.dump(target.pid))["drop_requested"], "a request to drop the GIL")

    let_go(target)
    gil = gil_of(gilspy.dump(target.pid))
    assert (gil["state"], gil["holder"], gil["waiters"]) == ("free", None, [])


@pytest.mark.usefixtures("with_gil")
def test_some_wait(target):
    let_hold(target)
    let_contend(target, ["victim-1"])
    words = words_of(gilspy.dump(target.pid))
    assert [name for name, word in words.items() if word == "waits"] == ["victim-1"]
    assert [name for name, word in words.items() if word == "holds"] == ["holder"]


@pytest.mark.usefixtures("with_gil")
def test_computes_without(target):
    """C code without the GIL: runs, and neither holds nor waits, whoever else does."""
    tid = target.began["tids"]["computer"]
    target.feed("compute")
    until(lambda: target.call_of(tid) is None, "the computation to begin")
    until(lambda: gil_of(gilspy.dump(target.pid))["state"] == "free", "the GIL to be released")
    for _ in range(LOOKS):
        computer = gilspy.threads_by_name(gilspy.dump(target.pid))["computer"]
        assert computer["gil"] in ("without", "unknown") and computer["runnable"] is True
    let_hold(target)
    let_contend(target)
    for _ in range(LOOKS):
        threads = gilspy.threads_by_name(gilspy.dump(target.pid))
        assert threads["holder"]["gil"] == "holds" and threads["computer"]["gil"] in ("without", "unknown")
        for name in VICTIMS:
            # One that is awake for a moment, because its wait timed out, can be the one that computes.
            assert threads[name]["gil"] == "waits" or (threads[name]["gil"] == "unknown" and threads[name]["runnable"])
    until(lambda: [words_of(gilspy.dump(target.pid))[name] for name in VICTIMS] == ["waits"] * 3, "three that wait")


@pytest.mark.usefixtures("with_gil")
def test_switches_grow(python, target):
    before = gil_of(gilspy.dump(target.pid))["switches"]
    if python.major == 2:
        assert before is None
        return
    turns = 20
    for _ in range(turns):
        let_hold(target)
        let_contend(target)
        let_go(target)
    target.ask("switch")
    target.wait_idle()
    after = gil_of(gilspy.dump(target.pid))["switches"]
    if before is None:  # 3.6 without symbols
        assert python.kind == "3.6" and after is None
    else:
        assert after - before >= 2 * turns


def test_interval(python, target):
    gil = gil_of(gilspy.dump(target.pid))
    if python.major == 2:
        assert gil["interval_us"] is None
        return
    assert gil["interval_us"] == round(target.ask("interval")["answer"] * 1e6)
    seconds = target.ask("set_interval", 0.012345)["answer"]
    target.wait_idle()
    assert gil_of(gilspy.dump(target.pid))["interval_us"] == round(seconds * 1e6) == 12345


def test_last_holder_ended(python, target):
    """The thread that had the GIL last is gone: no trace of it stays."""
    for _ in range(3):
        tid = target.ask("start_once")["answer"]
        target.wait_idle()
        target.wait_reading(tid, "once")
        assert tid in [thread["tid"] for thread in gilspy.dump(target.pid)["threads"]]
        target.feed("once")
        until(lambda: not target.has(tid), "the thread to end")
        document = gilspy.dump(target.pid)
        gil = gil_of(document)
        assert {thread["tid"] for thread in document["threads"]} == set(target.began["tids"].values())
        assert (gil["state"], gil["holder"], gil["waiters"]) == (python.free, None, [])
