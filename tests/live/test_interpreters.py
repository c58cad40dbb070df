"""Several interpreters in one process, with one GIL or with their own."""
import pytest

import gilspy
from target import running


def test_stacks_and_gils(python, folders):
    if python.at_least < (3, 12):
        pytest.skip("has no interpreters with their own GIL")
    with running(python, folders, "interpreters.py", pipes=["own", "shared", "holder", "main"]) as target:
        tids, ids = target.began["tids"], target.began["ids"]
        for name in ("own", "shared"):
            target.wait_reading(tids[name], name)
        target.feed("main")
        target.wait_reading(target.pid, "holder")
        document = gilspy.dump(target.pid)
        gils = {interpreter["id"]: interpreter["gil"] for interpreter in document["interpreters"]}
        assert list(gils) == sorted([0] + list(ids.values()))
        holder = target.pid if python.has_gil else None
        assert gils[0]["holder"] == gils[ids["shared"]]["holder"] == holder
        assert gils[ids["own"]]["state"] == python.free and gils[ids["own"]]["holder"] is None
        threads = {thread["tid"]: thread for thread in document["threads"]}
        assert set(threads) == set(tids.values())
        for name in ("own", "shared"):
            thread = threads[tids[name]]
            assert sorted(thread["interpreters"]) == [0, ids[name]]
            assert thread["name"] == name and thread["gil"] == python.without
            functions = [frame["function"] for frame in thread["frames"]]
            assert functions[:3] == ["stand", "<module>", "visit"] and functions[-1] == "_bootstrap"
        assert threads[target.pid]["gil"] == ("holds" if python.has_gil else "none")
