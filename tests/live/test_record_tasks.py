"""Recordings by task: of loops that stand still, of tasks that count their own time, and of those that come and go."""
import json
import re

import pytest

from recording import LATE, NO_BUDGET, draw, record, sum_by
from target import running, until
from test_tasks import CHURN, stacks, loop_of, wanted  # noqa: F401
import gilspy


def of_thread(path, name, *words):
    """{frames of this thread without its name: microseconds}"""
    drawn = draw(path, "-t", *words)
    return {frames[1:]: us for frames, us in drawn.items() if frames[0] == name and LATE not in frames}


def functions(frames):
    return [re.sub(r" \(.*", "", frame) for frame in frames]


@pytest.mark.every_python
def test_a_task_that_keeps_its_loop(python, folders, tmp_path):
    with running(python, folders, "tasks.py", "kept", pipes=["park"]) as target:
        target.wait_reading(target.began["tids"]["kept"], "park")
        name = loop_of(gilspy.dump(target.pid), "kept")["tasks"][0]["name"]
        record(target.pid, tmp_path / "kept.gilspy", "--tasks", "-r", "500", "-d", "200ms")
        (frames,) = of_thread(tmp_path / "kept.gilspy", "kept", "-m", "wall")
        assert functions(frames)[1:] == ["keeps"] + ["nested_block"] * 6 + ["blocks", "wait"]
        assert frames[0].startswith("Task-" if name else "task")


def check_lanes(path, names):
    """In the timeline each task has a lane, on which one slice goes on all the time."""
    done = gilspy.run("report", path, "-f", "chrome", "-m", "await", "-o", "-")
    events = [event for event in json.loads(done.stdout)["traceEvents"] if event.get("tid", 0) > 200000000]
    lanes = {event["tid"]: event["args"]["name"] for event in events if event.get("name") == "thread_name"}
    assert {name for name in names if not name.startswith("Task-")} <= {name.split(" (")[0] for name in lanes.values()}
    for tid in lanes:
        assert [event["ph"] for event in events if event["tid"] == tid and event["ph"] != "M"] == ["B", "E"]


@pytest.mark.every_python
def test_suspended_tasks(python, folders, tmp_path):
    """Each of them, as the program tells, all the time; below its own coroutines those that await it."""
    path = tmp_path / "still.gilspy"
    with running(python, folders, "tasks.py", "still") as target:
        truth = target.ask("truth", "still")["answer"]
        target.wait_idle()
        summary = record(target.pid, path, "--tasks", "-r", "500", "-d", "200ms")
        drawn = of_thread(path, "still", "-m", "await")
    of_task = sum_by(drawn, lambda frames: frames[0])
    whole = of_task["nested"] if python.at_least >= (3, 8) else max(of_task.values()) / len(truth)
    assert 0 < whole <= summary["seconds"] * 1e6
    assert sum(of_task.values()) == pytest.approx(whole * len(truth), rel=0.01)
    shown = {frames[0] + " " + " ".join(functions(frames)[1:]) for frames in drawn}
    for name, rows in truth.values():
        own = " ".join(row[0] for row in rows[::-1])
        plain = [re.sub(r"\b\w+\.", "", one) for one in shown]  # from 3.11 on with their classes
        assert any(one.startswith(name or "task ") and one.endswith(own) for one in plain), (name, own, plain)
    check_lanes(path, {name for name, rows in truth.values() if name})
    # A child of gather is below its parent.
    assert any(functions(frames)[1:3] == ["gathers", "leaf"] for frames in drawn)
    assert not draw(path, "-m", "await", "--thread", "MainThread")


def share_of_much(target, path):
    """Of the time that two tasks computed, by samples; what is drawn of them is whole."""
    record(target.pid, path, "--tasks=running", "-r", "500", "-d", "500ms")
    sums = {}
    for frames, us in of_thread(path, "shared").items():
        names = functions(frames)
        for name in {"computes_much", "computes_little"} & set(names):
            assert names[1:5] == ["boss", "awaits_work", "works", name]
            assert frames[0] in (name[9:], "task")
            sums[name] = sums.get(name, 0) + us
    return sums["computes_much"] / sum(sums.values()) if len(sums) == 2 else 0


def test_shares_of_tasks(python, folders, tmp_path):
    """One uses 70 % of the processor's time, another 30 %: so they are seen, unless the machine has much else to do."""
    path = tmp_path / "shared.gilspy"
    with running(python, folders, "tasks.py", "shared") as target:
        until(lambda: share_of_much(target, path) == pytest.approx(0.7, abs=0.08), "the shares of both")
    assert not draw(path, "-m", "await")


def test_tasks_that_come_and_go(python, folders, tmp_path):
    with running(python, folders, "tasks.py", "churn") as target:
        record(target.pid, tmp_path / "churn.gilspy", "--tasks", "-r", "1000", "-d", "500ms")
        drawn = of_thread(tmp_path / "churn.gilspy", "churn", "-m", "await")
        seen = 0
        for frames in drawn:
            if "gap" in frames[-1]:
                continue
            plain = [name for name in functions(frames)[1:] if name != "churn"] or ["churn"]
            names = "".join(name + " " for name in plain[::-1])
            assert CHURN.fullmatch(names) or "outermost" in names, frames
            seen += 1
        assert seen > 0


def test_not_a_loop(python, folders, tmp_path):
    """A process without tasks is recorded as ever; nothing of it awaits."""
    with running(python, folders, "tasks.py") as target:
        done = gilspy.run("record", "-p", target.pid, "--tasks", "-m", "wall", "-d", "100ms", "-f", "folded", "-o", "-",
                          *NO_BUDGET)
        assert done.returncode == 0 and done.stdout.startswith("MainThread;")
