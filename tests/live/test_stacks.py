"""Every thread's stack, frame by frame, against what the interpreter itself says of threads that stand still."""
import json

import pytest

import gilspy
from target import running

pytestmark = pytest.mark.every_python


@pytest.fixture(scope="module")
def parked(python, folders):
    """The target, and the truth: the stack of each of its threads."""
    with running(python, folders, "stacks.py", pipes=["park"]) as target:
        names = [name for name in target.began["tids"] if name != "MainThread"]
        for name in names:
            target.wait_reading(target.began["tids"][name], "park")
        truth = {name: target.ask("truth", name)["answer"] for name in names}
        target.wait_idle()
        yield target, truth


def rows(thread):
    assert all(frame["kind"] == "python" for frame in thread["frames"])
    return [[frame["function"], frame["file"], frame["line"], None if "inferred" in frame else frame["qualname"]]
            for frame in thread["frames"]]


def check_stacks(target, truth, how):
    document = gilspy.dump(target.pid, *how)
    threads = gilspy.threads_by_name(document)
    assert set(threads) == set(truth) | {"MainThread"}
    seen = {name: rows(threads[name]) for name in truth}
    wrong = {name: (seen[name], truth[name]) for name in truth if seen[name] != truth[name]}
    assert not wrong
    assert document["quality"]["torn"] == document["quality"]["stopped"] == 0
    assert [frame["function"] for frame in threads["MainThread"]["frames"]] == ["hear", "serve", "<module>"]


def test_stacks(parked):
    for how in [], ["--nonblocking"], ["--blocking"]:
        check_stacks(*parked, how)


def test_depth_of_truth(python, parked):
    """The target's own words are not empty: they show what each place is about."""
    _, truth = parked
    assert len(truth["recursion"]) > 200 and len(truth["deeper_than_one_chunk"]) > 400
    assert truth["builtin_is_innermost"][0][0] == "builtin_is_innermost"
    assert truth["init_in_a_loop"][1][0] == "__init__" and truth["init_in_a_loop"][2][0] == "init_in_a_loop"
    assert truth["far_down"][1][2] > 70000
    assert any(row[1].startswith("<frozen importlib") for row in truth["importing"]) or python.major == 2
    if python.at_least >= (3, 11):
        assert truth["nested"][1][3] == "nested.<locals>.outer.<locals>.inner"


def test_one_function_per_frame(parked):
    """-F: no lines, the same functions."""
    target, truth = parked
    threads = gilspy.threads_by_name(gilspy.dump(target.pid, "-F"))
    for name in truth:
        assert [frame["function"] for frame in threads[name]["frames"]] == [row[0] for row in truth[name]]
        assert {frame["line"] for frame in threads[name]["frames"]} == {None}


@pytest.mark.pythons(fits=lambda python: python.at_least < (3, 12))
def test_classes(python, folders):
    """Before 3.11 the name of the function with that very code in a class of the first argument; 2.7: and the class."""
    with running(python, folders, "classes.py", pipes=["hold"]) as target:
        target.wait_reading(target.began["tids"]["caller"], "hold")
        frames = gilspy.threads_by_name(gilspy.dump(target.pid))["caller"]["frames"]
        own = [frame for frame in frames if frame["file"].endswith("classes.py")]
        told = [frame["qualname"] for frame in own]
        if python.at_least >= (3, 11):
            assert "Base.value" in told and not any("inferred" in frame for frame in own)
            return
        run = "Wraps.run" if python.major == 2 else "wrapped.<locals>.run"
        assert told == ["Base.value", "Mixin.step", "Base.run", "Derived.run", "Base.make", None, "Meta.meta",
                        None, run, None]
        assert all(frame.get("inferred", False) == (frame["qualname"] is not None) for frame in frames)
        done = gilspy.run("record", "-q", "-p", target.pid, "-d", "0.1", "-m", "wall", "-o", "-", "-f", "jsonl")
        threads = [thread for line in done.stdout.splitlines() for thread in json.loads(line).get("threads", [])]
        stack = next(thread["stack"] for thread in threads if thread["name"] == "caller")
        assert [frame.get("qualname") for frame in stack if frame["file"].endswith("classes.py")] == told
