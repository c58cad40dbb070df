"""Collections of garbage, and the stopped worlds of free-threaded Pythons: counts against the target's own, times against
those that it clocked, and scenes that stand still."""
import json

import pytest

import gilspy
from stat_runs import stat, watching
from target import FUTEX, running, until
from tracing import begun, measuring, tracing


def wanted(python):
    return python.at_least >= (3, 7)


def calm(document):
    """Only then are the gaps between samples short."""
    return document["quality"]["late"] * 50 < document["quality"]["samples"]


def near(us, seconds, document, pauses):
    """Each pause may be off by the gaps between samples at both of its ends."""
    return not calm(document) or abs(us / 1e6 - seconds) <= seconds / 10 + 0.01 * pauses


def wait_samples(pid):
    """Until gilspy has slept between samples some more times."""
    def sleeps():
        with open("/proc/%d/status" % pid) as file:
            return int(dict(line.split(":") for line in file)["voluntary_ctxt_switches"])

    before = sleeps()
    until(lambda: sleeps() > before + 4, "samples")


def check(document):
    gc = document["gc"]
    assert set(gc) == {"share", "collections", "longest_us", "generations", "longest", "triggers"}
    assert gc["collections"] == sum(gc["generations"]) and 0 <= gc["share"] <= 1.001
    worlds = document["stopped_worlds"]
    if worlds:
        assert set(worlds) == {"count", "us", "longest_us", "requesters", "late"}
    return gc, worlds


def test_clocked(python, folders):
    """As many as there were, as long as they took, by whom and from where."""
    with running(python, folders, "pauses.py") as target:
        target.ask("collect", 1, 0)
        with watching(target.pid) as watch:
            wait_samples(watch.process.pid)
            truth = target.ask("collect", 4, 3)["answer"]
            wait_samples(watch.process.pid)
            document = watch.document()
    gc, worlds = check(document)
    times = [seconds for _, seconds in truth]
    assert gc["generations"] == [[generation for generation, _ in truth].count(number) for number in range(3)]
    assert near(gc["share"] * document["seconds"] * 1e6, sum(times), document, len(times)), (gc, truth)
    assert near(gc["longest_us"], max(times), document, 1), (gc, truth)
    longest = gc["longest"] or {"tid": target.pid, "generation": None}  # 3.15 tells of those that no sample has seen
    assert longest["tid"] == target.pid and (gc["longest"] or not calm(document))
    likely = {generation for generation, seconds in truth if seconds > max(times) / 2}
    assert longest["generation"] in likely | {None}  # two may have ended between two samples
    seen = {(row["tid"], row["function"]) for row in gc["triggers"]}
    assert seen <= {(target.pid, function) for function in ("collect", "clocked", None)}  # its callback is part of it
    assert (worlds is None) == (not python.threaded)
    if worlds:
        assert {(row["tid"], row["why"]) for row in worlds["requesters"]} == {(target.pid, "gc")}
        assert worlds["us"] <= gc["share"] * document["seconds"] * 1e6 * 1.1


def test_still(python, folders, tmp_path):
    """A collection that does not go on: the thread that does it has its frame, and nobody else."""
    with running(python, folders, "pauses.py", pipes=["gate"]) as target:
        target.tell("begin")
        tids = {}

        def has_begun():
            tids.update({thread["name"]: thread["tid"] for thread in gilspy.dump(target.pid)["threads"]})
            return "collector" in tids

        until(has_begun, "the collector")
        target.wait_reading(tids["collector"], "gate")
        document = gilspy.dump(target.pid)
        kinds = {thread["name"]: [frame["kind"] for frame in thread["frames"]] for thread in document["threads"]}
        assert document["interpreters"][0]["collecting_garbage"]
        if python.has_gil:
            assert kinds["collector"][0] == "gc" and kinds["collector"].count("gc") == 1
            assert "gc" not in kinds["MainThread"]
            gc, _ = check(stat(target.pid, "-d", "100ms"))
            assert (gc["share"], gc["collections"], gc["longest"]["tid"]) == (1, 0, tids["collector"])
            assert [(row["tid"], row["function"]) for row in gc["triggers"]] == [(tids["collector"], "wait_holding")] or \
                gc["triggers"][0]["function"].endswith("wait_holding")
            kept = str(tmp_path / "run.gilspy")
            assert gilspy.run("record", "-q", "-d", "100ms", "-m", "wall", "-p", target.pid, "-o", kept).returncode == 0
            folded = gilspy.run("report", kept, "-m", "wall", "-f", "folded", "-o", "-").stdout
            assert [line for line in folded.splitlines() if ";<gc> " in line and "wait_holding" in line]
        target.feed("gate")


def none_holds(python):
    return not python.has_gil and python.at_least == (3, 13)


@pytest.mark.pythons(fits=none_holds)
def test_late(python, folders):
    """One that does not stop keeps all others waiting: who asks for it, and who is late."""
    with running(python, folders, "pauses.py", "0", "late", pipes=["gate", "turn"]) as target:
        tids = target.began["tids"]
        target.wait_reading(tids["late"], "turn")
        target.wait_reading(tids["collector"], "gate")
        target.feed("gate")
        until(lambda: gilspy.dump(target.pid)["interpreters"][0]["collecting_garbage"], "the collection")
        target.wait_calling(tids["collector"], FUTEX)
        gc, worlds = check(stat(target.pid, "-d", "100ms"))
        assert (gc["share"], worlds["count"], [row["tid"] for row in worlds["late"]]) == (1, 1, [tids["late"]])
        assert [(row["tid"], row["why"], row["function"].split(".")[-1]) for row in worlds["requesters"]] == [
            (tids["collector"], "gc", "<lambda>")]
        frames = {thread["name"]: thread["frames"] for thread in gilspy.dump(target.pid)["threads"]}
        assert [frames[name][0]["kind"] for name in ("collector", "late")] == ["gc", "python"]
        why = json.loads(gilspy.run("why", "--json", "-d", "500ms", "-p", target.pid).stdout)["verdicts"]
        assert (why[0]["kind"], why[0]["confidence"]) == ("world_stopped", "certain")
        assert sorted(why[0]["threads"]) == sorted([tids["late"], tids["collector"]])
        assert "gc" not in {verdict["kind"] for verdict in why}
        target.feed("turn")
        target.wait_reading(tids["collector"], "gate")
        assert not gilspy.dump(target.pid)["interpreters"][0]["collecting_garbage"]


@pytest.mark.pythons(fits=none_holds)
@pytest.mark.usefixtures("watchable")
def test_each(python, folders, tmp_path):
    """Exact events have each collection, which lasts for longer than its callbacks know, and both of its stopped worlds."""
    with running(python, folders, "pauses.py", "1") as target:
        with measuring(target.pid, "--max-overhead", "off") as document:
            truth = target.ask("collect", 3, 2)["answer"]
        with tracing(target.pid, tmp_path / "run.trace.json", "--max-overhead", "off") as traced:
            target.ask("collect", 3, 2)
    gc, worlds = document["gc"], document["stopped_worlds"]
    assert (len(truth), document["method"], gc["collections"], worlds["count"]) == (5, "exact", 5, 10)
    assert (document["events"], document["events_lost"]) == (2 * (5 + 10), 0)
    assert {(row["tid"], row["why"]) for row in worlds["requesters"]} == {(target.pid, "gc")}
    assert gc["longest"]["tid"] == target.pid and gc["generations"] is None
    us = gc["share"] * document["exact_seconds"] * 1e6
    assert us + 10 > 1e6 * sum(seconds for _, seconds in truth) and worlds["us"] < us + 10
    slices = {name: [(event["ts"], event["ts"] + event["dur"]) for event in traced.events
                     if event["ph"] == "X" and event["name"] == name] for name in ("gc", "stopped world")}
    assert {name: len(found) for name, found in slices.items()} == {"gc": 5, "stopped world": 10}
    assert all(any(begin < first and last <= end for begin, end in slices["gc"])
               for first, last in slices["stopped world"])


@pytest.mark.pythons(fits=none_holds)
@pytest.mark.usefixtures("watchable")
def test_requester(python, folders):
    """Who stops all others is seen where it does so; collections are seen of one of two interpreters, too."""
    with running(python, folders, "pauses.py", "0", "late", "another", pipes=["gate", "turn"]) as target:
        tids = target.began["tids"]
        target.wait_reading(tids["late"], "turn")
        target.wait_reading(tids["collector"], "gate")
        with begun("stat", "--exact", "--json", "-d", "1h", "--interval", "100ms", "--max-overhead", "off", "-p", target.pid) as run:
            target.feed("gate")
            until(lambda: gilspy.dump(target.pid)["interpreters"][0]["collecting_garbage"], "the collection")
            target.wait_calling(tids["collector"], FUTEX)

            def seen():
                document = json.loads(run.process.stdout.readline())
                rows = [row for row in document["stopped_worlds"]["requesters"] if row["function"]]
                return rows and (rows[0], document["gc"])

            row, gc = until(seen, "a look")
            target.feed("turn")
            target.wait_reading(tids["collector"], "gate")
            run.end()
    assert (row["tid"], row["why"], row["function"].split(".")[-1]) == (tids["collector"], "gc", "<lambda>")
    assert (gc["collections"], gc["longest"]["tid"]) == (1, tids["collector"])
