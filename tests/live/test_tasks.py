"""The tasks of event loops: as the program itself tells them, in loops that stand still, and in those that do not."""
import json
import re

import pytest

import gilspy
from target import running, until


def wanted(python):
    return python.at_least >= (3, 7)


def loop_of(document, name):
    return [thread["loop"] for thread in document["threads"] if thread["name"] == name][0]


def stacks(loop):
    return {task["id"]: [task["name"], [[frame[key] for key in ("function", "file", "line")]
                                        for frame in task["frames"]]] for task in loop["tasks"]}


def check(loop, kind="asyncio"):
    """What holds for every loop that is shown."""
    assert set(loop) == {"kind", "running", "ready", "lag_us", "tasks", "left_out"} and loop["kind"] == kind
    ids = [task["id"] for task in loop["tasks"]]
    assert len(set(ids)) == len(ids)
    assert [task["id"] for task in loop["tasks"] if task["state"] == "running"] == \
        ([loop["running"]] if loop["running"] else [])
    for task in loop["tasks"]:
        assert set(task) == {"id", "name", "state", "waits_for", "awaited_by", "frames"}
        assert (task["state"] == "waits") == (task["waits_for"] is not None) or task["frames"][0]["kind"] == "gap"
        assert task["frames"] and set(task["awaited_by"]) <= set(ids)


SCENES = ["still", "pure", "eager"]


@pytest.mark.every_python
@pytest.mark.parametrize("scene", SCENES)
def test_tasks_that_stand_still(python, folders, scene):
    if scene == "eager" and python.at_least < (3, 12):
        pytest.skip("Python 3.12 brought eager tasks")
    with running(python, folders, "tasks.py", scene) as target:
        truth, expected = target.ask("truth", scene)["answer"], target.ask("expected")["answer"]
        target.wait_idle()
        loop = loop_of(gilspy.dump(target.pid), scene)
        check(loop)
        assert stacks(loop) == truth and len(truth) > 20
        assert (loop["running"], loop["ready"], loop["lag_us"]) == (None, 0, None)
        tasks = {task["id"]: task for task in loop["tasks"]}
        assert {task["state"] for task in tasks.values()} == {"waits"}
        # From 3.14 on timeout() and TaskGroup do not know tasks of Python code, and those that use them end.
        ended = [task for task in expected if task not in tasks]
        assert len(ended) <= (3 if scene == "pure" and python.at_least >= (3, 14) else 0)
        for task, (kind, words) in expected.items():
            if task in ended:
                continue
            waits_for = tasks[task]["waits_for"]
            assert waits_for["kind"] == kind and re.fullmatch(words, waits_for["text"]), (task, waits_for)
        # Who is awaited is awaited by those who say so.
        for task in tasks.values():
            if task["waits_for"]["kind"] == "task":
                assert task["id"] in tasks[task["waits_for"]["id"]]["awaited_by"]
        if python.at_least >= (3, 14) and scene != "pure":
            for task, (rows, awaited_by) in target.ask("graph", scene)["answer"].items():
                assert stacks(loop)[task][1][-len(rows):] == rows
                assert sorted(tasks[task]["awaited_by"]) == awaited_by


@pytest.mark.every_python
def test_a_task_that_keeps_its_loop(python, folders):
    with running(python, folders, "tasks.py", "kept", pipes=["park"]) as target:
        target.wait_reading(target.began["tids"]["kept"], "park")
        loop = loop_of(gilspy.dump(target.pid), "kept")
        check(loop)
        assert loop["running"] == target.ask("running")["answer"]["kept"]
        tasks = {task["state"]: task for task in loop["tasks"]}
        assert [frame["function"] for frame in tasks["running"]["frames"]] == \
            ["wait", "blocks"] + ["nested_block"] * 6 + ["keeps"]
        assert [task["frames"][0]["function"] for task in loop["tasks"] if task["state"] == "ready"] == \
            ["never_begins"] * 3
        assert loop["ready"] == 3 and loop["lag_us"] > 0


@pytest.mark.every_python
def test_a_task_whose_thread_has_ended(python, folders):
    """No thread runs its loop: it is shown apart, where it stands."""
    with running(python, folders, "tasks.py", "orphan", "deadlock") as target:
        truth = target.ask("truth", "orphan")["answer"]
        document = gilspy.dump(target.pid)
        loop, = document["loops"]
        check(loop)
        assert stacks(loop) == truth and len(truth) == 1 and loop["tasks"][0]["waits_for"]["kind"] == "sleep"
        assert (loop["running"], loop["lag_us"], loop_of(document, "deadlock")["left_out"]) == (None, None, 0)
        assert "\nEvent loop (asyncio) that no thread runs: 1 task\n" in gilspy.run("dump", "-p", target.pid).stdout


# Innermost first, what a task of the scene may show: where it stands, or where it will begin.
CHURN = re.compile(r"(sleep |__sleep0 sleep |)(innermost middle outermost |middle outermost |outermost )|"
                   r"(wait_for |)churn |.*churn $")


def test_tasks_that_come_and_go(python, folders):
    with running(python, folders, "tasks.py", "churn") as target:
        seen, gaps = 0, 0

        def enough():
            nonlocal seen, gaps
            loop = loop_of(gilspy.dump(target.pid), "churn")
            check(loop)
            for task in loop["tasks"]:
                if task["frames"][-1]["kind"] == "gap":
                    gaps += 1
                    continue
                names = "".join(frame["function"] + " " for frame in task["frames"])
                assert CHURN.fullmatch(names) or task["state"] == "running", names
                assert re.search("(outermost|churn) $", names), names
                seen += 1
            return seen > 500

        until(enough, "tasks to be seen")


def judged(target):
    done = gilspy.run("why", "--json", "-d", "1", "-p", target.pid)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    return {verdict["kind"]: verdict for verdict in document["verdicts"]}, document["dump"]


def test_why_tasks_wait_for_one_another(python, folders):
    with running(python, folders, "tasks.py", "deadlock") as target:
        verdicts, dump = judged(target)
        verdict = verdicts["task_deadlock"]
        assert verdict["confidence"] == "likely" and verdict["threads"] == [target.began["tids"]["deadlock"]]
        assert len([line for line in verdict["evidence"] if "Lock held by" in line and "takes_both" in line]) == 2
        assert "loop_blocked" not in verdicts and len(loop_of(dump, "deadlock")["tasks"]) == 2


def test_why_a_loop_stands_still(python, folders):
    with running(python, folders, "tasks.py", "kept", "still", pipes=["park"]) as target:
        target.wait_reading(target.began["tids"]["kept"], "park")
        verdicts, _ = judged(target)
        verdict = verdicts["loop_blocked"]
        assert verdict["threads"] == [target.began["tids"]["kept"]]
        assert any("blocks (" in line for line in verdict["evidence"])
        assert any("3 callbacks were ready" in line for line in verdict["evidence"])


def test_why_tasks_wait_for_ever(python, folders):
    with running(python, folders, "tasks.py", "lost") as target:
        done = gilspy.run("why", "--json", "-d", "0.3", "-p", target.pid)
        verdicts = json.loads(done.stdout)["verdicts"]
        said = {kind: [verdict["text"] + " ".join(verdict["evidence"]) for verdict in verdicts if verdict["kind"] == kind]
                for kind in ("task_deadlock", "task_cancelled")}
        named = python.at_least >= (3, 8)
        who = "(nests|twice)" if named else "the task at 0x.*"
        assert len([text for text in said["task_deadlock"] if re.match("Deadlock: %s waits for itself" % who, text)]) == 2
        rest = [text for text in said["task_deadlock"] if not text.startswith("Deadlock")]
        lost = ["leaked"] + ["nobody sets"] * (not python.threaded)  # whose references are counted in two places
        assert len(rest) == len(lost) and all("%s waits for a" % name in "".join(rest) or not named for name in lost)
        assert len(said["task_cancelled"]) == (python.at_least >= (3, 11))
        assert all(text.startswith("stubborn was cancelled") for text in said["task_cancelled"])
        if named:
            tasks = {task["name"]: task for task in loop_of(gilspy.dump(target.pid), "lost")["tasks"]}
            assert tasks["behind"]["waits_for"]["text"] == "Lock held by keeps, probably"


def test_why_a_loop_starves(python, folders):
    if not python.has_gil:
        pytest.skip("starves behind no GIL")
    with running(python, folders, "tasks.py", "starved") as target:
        verdicts, _ = judged(target)
        assert any("event loop of starved (%d) starves" % target.began["tids"]["starved"] in text
                   for verdict in verdicts.values() for text in [verdict["text"], *verdict["evidence"]])


def test_text(python, folders):
    with running(python, folders, "tasks.py", "still") as target:
        target.wait_idle()
        text = gilspy.run("dump", "-p", target.pid).stdout
        assert re.search(r"^  asyncio: \d+ tasks$", text, re.M)
        assert re.search(r"^  2 tasks wait: Lock held by ", text, re.M)
        tree = gilspy.run("dump", "-p", target.pid, "--tree").stdout
        assert re.search(r" waits: gather of 2  gathers \(.*\)\n(    .* waits: sleep, .* left  leaf \(.*\)\n){2}", tree)
        assert "asyncio:" not in gilspy.run("dump", "-p", target.pid, "--tasks=off").stdout
        running_only = gilspy.run("dump", "-p", target.pid, "--tasks=running").stdout
        assert "asyncio:" in running_only and " waits: " not in running_only
