"""stat against targets that keep the truth about who had the GIL."""
import subprocess

import pytest

import gilspy
from recording import record
from spaces import choose
from stat_runs import kept_s, missed_s, named, stat, watching
from target import FUTEX, running

STILL = ["hold", "gate", "compute", "once", "turn-0", "turn-1", "turn-2"]
ATTEMPTS = 12
ENOUGH = 50  # samples, on a machine that lets nobody run


def counts(python):
    """Its GIL counts the hand-overs, and gilspy finds where."""
    return python.has_gil and python.major > 2


@pytest.fixture(scope="module")
def truth(python, folders):
    with running(python, folders, "truth.py") as target:
        yield target


def test_still(python, folders):
    """Each thread in a state that lasts."""
    with running(python, folders, "gil.py", pipes=STILL) as target:
        tids = target.began["tids"]
        for name, pipe in (("holder", "hold"), ("victim-0", "turn-0"), ("victim-1", "turn-1"), ("victim-2", "turn-2")):
            target.wait_reading(tids[name], pipe)
        target.wait_idle()
        target.feed("hold")
        target.wait_reading(tids["holder"], "gate")
        for turn in ("turn-0", "turn-1") if python.has_gil else ():
            target.feed(turn)
            target.wait_calling(tids[turn.replace("turn", "victim")], FUTEX)
        for attempt in range(ATTEMPTS):
            document = stat(target.pid, "-d", "500ms")
            if document["quality"]["samples"] >= ENOUGH:
                break
    threads = named(document)
    assert {name: thread["tid"] for name, thread in threads.items()} == tids
    assert threads["sleeper"]["without"] > 0.99 and threads["MainThread"]["main"]
    if not python.has_gil:
        assert document["gil"]["state"] == "disabled"
        assert all(thread["without"] == 1 for thread in threads.values())
        assert document["hogs"] == document["blame"] == []
        return
    holder = threads["holder"]
    assert holder["has"] > 0.99 and document["gil"]["held"] > 0.99 and document["gil"]["contended"] > 0.9
    for name in ("victim-0", "victim-1"):
        assert threads[name]["waits"] > 0.7 and threads[name]["has"] == 0
    assert document["gil"]["mean_waiters"] > 1.4
    blamed = {(row["waiter"], row["holder"]) for row in document["blame"]}
    assert blamed == {(tids["victim-0"], tids["holder"]), (tids["victim-1"], tids["holder"])}
    if not counts(python):
        assert document["gil"]["switches"] is None and holder["longest_hold_us"] is None
        return
    assert document["gil"]["switches"] == 0 and holder["acquisitions"] == 0
    assert holder["longest_hold_us"] > 0.98 * document["seconds"] * 1e6
    assert document["gil"]["longest_hold_tid"] == tids["holder"]
    hog, = document["hogs"]
    assert (hog["function"], hog["tid"], hog["holds"], hog["waiters"]) == ("wait_holding", tids["holder"], 1, 2)
    assert hog["file"].endswith("common.py") and hog["line"] > 0


def test_holds_of_known_length(python, truth, with_gil):
    """The share of a thread that holds it for known times, while another wants it. Where it is kept from its processor
    after it has looked at its clock, it has the GIL for longer than it knows; and the other wants it later."""
    tids = [truth.began["tids"][name] for name in ("holder", "victim")]
    before = [kept_s(truth.pid, tid) for tid in tids]
    with watching(truth.pid) as watch:
        held, longest, _ = truth.ask("hold", 12, 30, 15, True)["answer"]
        document = watch.document()
    kept, victim_kept = [kept_s(truth.pid, tid) - then for tid, then in zip(tids, before)]
    threads, seconds = named(document), document["seconds"]
    holder, victim = threads["holder"], threads["victim"]
    slack = holder["half_width"] * seconds + missed_s(document) + kept
    assert abs(holder["has"] * seconds - held) < slack + 0.01 * held + 12 * 0.001
    assert victim["waits"] * seconds > 0.5 * held - slack - victim_kept
    assert document["gil"]["held"] >= holder["has"] - 1e-6
    if not counts(python):
        return
    assert abs(holder["longest_hold_us"] / 1e6 - longest) < 0.02 + missed_s(document) + kept
    hogs = [hog for hog in document["hogs"] if hog["tid"] == holder["tid"]]
    if missed_s(document) < seconds / 4:
        known = [hog for hog in hogs if hog["function"] == "hold"]
        assert known and known[0]["file"].endswith("truth.py") and known[0]["line"] > 0
        assert max(hog["waiters"] for hog in known) >= 1
    assert sum(hog["held_us"] for hog in hogs) / 1e6 < held + slack + 0.05
    if holder["acquisitions"] is not None:
        assert 1 <= holder["acquisitions"] <= document["gil"]["switches"]


def test_busy_some_and_a_little(truth, with_gil):
    """As gilknocker orders them; a machine that is short of processors may mix them up once."""
    for attempt in range(ATTEMPTS):
        shares = []
        for hold_ms, free_ms in ((20, 0), (10, 10), (2, 20)):
            with watching(truth.pid) as watch:
                took = truth.ask("hold", 400 // (hold_ms + free_ms), hold_ms, free_ms, False)["answer"][2]
                document = watch.document()
            shares.append(document["gil"]["held"] * document["seconds"] / took)
        if shares[0] > shares[1] > shares[2] > 0:
            return
    pytest.fail("%s after %d attempts" % (shares, ATTEMPTS))


def test_two_that_compute_share_it(python, truth, with_gil):
    """As they got on, and near 50 / 50; as a machine does that has other things to do, so all times together. 2.7 lets go
    after every hundred instructions: with a processor for each thread they fight for it all the time, and whoever looks
    takes a processor from one of them, so that he finds the other ahead, unless he goes from one to the other."""
    had, rounds, seconds = [0, 0], [0, 0], 0
    for attempt in range(ATTEMPTS):
        with watching(truth.pid) as watch:
            rounds = [sum(pair) for pair in zip(rounds, truth.ask("spin", 0.5)["answer"])]
            document = watch.document()
        threads, seconds = named(document), seconds + document["seconds"]
        had = [had[i] + threads["spin-%d" % i]["has"] * document["seconds"] for i in range(2)]
        part = had[0] / (sum(had) or 1)
        if sum(had) > 0.6 * seconds and abs(part - rounds[0] / sum(rounds)) < 0.15 and 0.35 < part < 0.65:
            return
    pytest.fail("%s of %s s after %d attempts, %s rounds" % (had, seconds, ATTEMPTS, rounds))


def test_two_that_compute_without_it(truth, with_gil):
    for attempt in range(ATTEMPTS):
        with watching(truth.pid) as watch:
            truth.ask("pack", 0.4)
            threads = named(watch.document())
        both = [threads[name] for name in ("zlib-0", "zlib-1")]
        if all(thread["has"] < 0.3 and thread["without"] > 0.5 and thread["on_cpu"] > 0 for thread in both):
            return
    pytest.fail("%s after %d attempts" % (both, ATTEMPTS))


@pytest.mark.slow
def test_states_without_end(folders, tmp_path):
    """A native thread that makes a thread state for each call of Python is one row, of one processor at most."""
    source, path = tmp_path / "ensure.c", str(tmp_path / "libensure.so")
    source.write_text("#include <pthread.h>\nstatic void *loop(void *call)\n"
                      "{ for (volatile int i;; ((void (*)(void))call)()) for (i = 0; i < 1000000; i++); }\n"
                      "int begin(void *call) { pthread_t t; return pthread_create(&t, 0, loop, call); }\n")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", str(source), "-o", path, "-lpthread"], check=True)
    python = choose("3.11", "system")
    with running(python, folders, "ensure.py", path) as target:
        document = stat(target.pid, "-d", "1500ms")
        record(target.pid, tmp_path / "it.gilspy", "-d", "700ms", "-r", "500")
        page = gilspy.run("report", tmp_path / "it.gilspy", "-f", "html", "-o", "-").stdout
    native, = (thread for thread in document["threads"] if not thread["main"])
    assert len(document["threads"]) == 2 and document["ended"] is None
    assert 0 < native["has"] < 1 and 0.05 < native["on_cpu"] <= 1.01
    assert page.count("<td>%d</td>" % native["tid"]) == 1
