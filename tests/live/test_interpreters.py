"""Several interpreters in one process, with one GIL or with their own."""
import pytest

import gilspy
from recording import draw, record, samples
from target import running


@pytest.fixture
def modern(python):
    if python.at_least < (3, 12):
        pytest.skip("has no interpreters with their own GIL")
    return python


def test_recorded(modern, folders, tmp_path):
    """Each thread once, in the interpreter that it is in, with what it has of that one's GIL."""
    with running(modern, folders, "interpreters.py", pipes=["own", "shared", "holder", "main"]) as target:
        tids = target.began["tids"]
        for name in ("own", "shared"):
            target.wait_reading(tids[name], name)
        target.feed("main")
        target.wait_reading(target.pid, "holder")
        target.feed("own")
        target.wait_computing(tids["own"])
        record(target.pid, tmp_path / "run.gilspy", "-r", 200, "-d", "300ms")
    held = {True: "holds", False: "none"}[modern.has_gil]
    seen = list(samples(tmp_path / "run.gilspy"))
    assert seen
    for _, _, threads in seen:
        assert {name: thread["gil"] for name, thread in threads.items()} == {
            "MainThread": held, "own": held, "shared": modern.without}
        assert (threads["own"]["lock"] != threads["MainThread"]["lock"]) == modern.has_gil
        assert [frame["fn"] for frame in threads["own"]["stack"]][:3] == ["compute", "<module>", "visit"]
        assert [frame["fn"] for frame in threads["shared"]["stack"]][:3] == ["stand", "<module>", "visit"]


def test_stacks_and_gils(modern, folders):
    with running(modern, folders, "interpreters.py", pipes=["own", "shared", "holder", "main"]) as target:
        tids, ids = target.began["tids"], target.began["ids"]
        for name in ("own", "shared"):
            target.wait_reading(tids[name], name)
        target.feed("main")
        target.wait_reading(target.pid, "holder")
        document = gilspy.dump(target.pid)
        gils = {interpreter["id"]: interpreter["gil"] for interpreter in document["interpreters"]}
        assert list(gils) == sorted([0] + list(ids.values()))
        holder = target.pid if modern.has_gil else None
        assert gils[0]["holder"] == gils[ids["shared"]]["holder"] == holder
        assert gils[ids["own"]]["state"] == modern.free and gils[ids["own"]]["holder"] is None
        threads = {thread["tid"]: thread for thread in document["threads"]}
        assert set(threads) == set(tids.values())
        for name in ("own", "shared"):
            thread = threads[tids[name]]
            assert sorted(thread["interpreters"]) == [0, ids[name]]
            assert thread["name"] == name and thread["gil"] == modern.without
            functions = [frame["function"] for frame in thread["frames"]]
            assert functions[:3] == ["stand", "<module>", "visit"] and functions[-1] == "_bootstrap"
        assert threads[target.pid]["gil"] == ("holds" if modern.has_gil else "none")


def test_one_gil_for_each_thread(modern, folders, tmp_path):
    """Four threads compute at once, each with the GIL of another interpreter; 3.12 lets three of them bear the id of the
    thread that made their interpreters. None has two GILs, and nobody's frames are in another's stack."""
    with running(modern, folders, "visitors.py", pipes=["main", "visitors"]) as target:
        tids = target.began["tids"]
        visitors = {"visitor-%d" % number: tids["visitor-%d" % number] for number in range(3)}
        for tid in visitors.values():
            target.wait_reading(tid, "visitors")
        target.feed("visitors", 3)
        target.feed("main")
        for tid in tids.values():
            target.wait_computing(tid)
        threads = gilspy.dump(target.pid)["threads"]
        bodies = {"at_home": "MainThread", "in_0": "visitor-0", "in_1": "visitor-1", "in_2": "visitor-2"}
        holding = [thread["tid"] for thread in threads if thread["gil"] == "holds"]
        assert len(holding) == len(set(holding))
        seen = {}
        for thread in threads:
            functions = [frame["function"] for frame in thread["frames"]]
            own = [function for function in functions if function in bodies]
            assert len(own) <= 1
            for function in own:
                seen[function] = thread["tid"], thread["gil"]
                assert "visit" not in functions or bodies[function] == thread["name"]
        assert set(seen) == set(bodies)
        for function, (tid, word) in seen.items():
            assert word == "unknown" or tid == tids[bodies[function]]
        assert seen["at_home"] == (tids["MainThread"], "holds" if modern.has_gil else "none")
        record(target.pid, tmp_path / "run.gilspy", "-d", "1", "-i")
        for stack in draw(tmp_path / "run.gilspy", "-F", "-i"):
            assert sum(frame.split(" ")[0] in bodies for frame in stack) <= 1
