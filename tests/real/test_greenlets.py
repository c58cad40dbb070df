"""Greenlets and trio's tasks, as the program itself tells them."""
import json
import os
import re
import signal
import subprocess

import pytest

import gilspy
from recording import LATE, NO_BUDGET
from target import until

SCENES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenes")


def begin(real, scene, *words):
    with open(os.path.join(SCENES, scene + ".py")) as file:
        return real.run(file.read(), *words, stdin=-1)


def loop_of(document, kind):
    loops = [thread["loop"] for thread in document["threads"] if thread.get("loop")]
    assert [loop["kind"] for loop in loops] == [kind]
    tasks = {task["id"]: task for task in loops[0]["tasks"]}
    assert len(tasks) == len(loops[0]["tasks"])
    assert [key for key, task in tasks.items() if task["state"] == "running"] == \
        ([loops[0]["running"]] if loops[0]["running"] else [])
    for task in tasks.values():
        assert (task["state"] == "waits") == (task["waits_for"] is not None) or task["frames"][0]["kind"] == "gap"
    return loops[0], tasks


def stack(task):
    return [[frame["function"], frame["line"]] for frame in task["frames"]]


def kept(seen, pid, kind, keeper, function):
    """The tasks, once the one that keeps the loop stands where it will stay."""
    def stands(document):
        loop, tasks = loop_of(document, kind)
        return [frame["function"] for frame in tasks[keeper]["frames"]][-1] == function and loop["running"] == keeper
    return loop_of(seen(pid, stands), kind)[1]


def idle(seen, pid, kind, running=None):
    """The loop and its tasks, once all threads sleep in system calls, and that task runs."""
    def sleeps(document):
        return all(thread["syscall"] for thread in document["threads"]) and \
            loop_of(document, kind)[0]["running"] == running
    return loop_of(seen(pid, sleeps), kind)


def check_record(pid, task):
    """All the time is the task's that runs, below its name."""
    done = gilspy.run("record", "-p", pid, "--tasks", "-m", "wall", "--thread", "MainThread", "-d", "200ms", "-f", "folded",
                      "-o", "-", *NO_BUDGET)
    stacks = [line.rpartition(" ")[0].split(";") for line in done.stdout.splitlines() if LATE not in line]
    assert stacks and done.returncode == 0
    for frames in stacks:
        assert frames[1] == task["name"] and frames[-1].startswith(task["frames"][0]["function"] + " "), frames


@pytest.mark.parametrize("kind", ["plain", "gevent", "eventlet"])
def test_greenlets_that_stand_still(real, seen, kind):
    process, one = begin(real, "greenlets", kind)
    plain = kind == "plain"
    loop, tasks = idle(seen, process.pid, "greenlet" if plain else kind, one if plain else None)
    process.stdin.write("\n")
    process.stdin.flush()
    truth = json.loads(process.stdout.readline())
    assert loop["left_out"] == 0 and len(truth) >= 15
    hubs = set(truth) - set(tasks)
    assert all(truth[hub][-1][0] == "run" for hub in hubs) and len(hubs) <= 1
    assert {key: stack(task) for key, task in tasks.items() if key in truth} == \
        {key: rows for key, rows in truth.items() if key not in hubs}
    # That it was asked of them changes nothing: the links to frames on the C stack are taken out then.
    again = loop_of(gilspy.dump(process.pid), loop["kind"])[1]
    assert {key: stack(task) for key, task in again.items() if task["state"] == "waits"} == \
        {key: stack(task) for key, task in tasks.items() if task["state"] == "waits"}
    words = {task["waits_for"]["text"] for task in tasks.values() if task["waits_for"]}
    assert plain or any(re.fullmatch(r"read from 127\.0\.0\.1:\d+", word) for word in words), words
    if plain:
        assert {task["awaited_by"][0] for key, task in tasks.items() if key != one} == {one}
    elif kind == "gevent":
        assert tasks[one]["waits_for"]["text"] == "RLock held by the holder"
        assert tasks[one]["waits_for"]["kind"] == "lock" and "sleep of 1000 s" in words
    else:
        assert tasks[one]["waits_for"]["text"] == "get from an empty Queue"
        assert "sleep of 1000 s" in words


def test_a_greenlet_that_keeps_the_hub(real, seen):
    process, keeper = begin(real, "greenlets", "keeps")
    tasks = kept(seen, process.pid, "gevent", keeper, "keeper")
    assert len(tasks) == 5
    check_record(process.pid, tasks[keeper])
    text = gilspy.run("dump", "-p", process.pid).stdout
    assert "  gevent: 5 tasks\n" in text and " runs\n" in text
    verdict = json.loads(gilspy.run("why", "--json", "-d", "1", "-p", process.pid).stdout)["verdicts"][0]
    assert verdict["kind"] == "loop_blocked" and verdict["confidence"] == "certain"
    assert "gevent" in verdict["text"] and "none of its 4 other greenlets runs" in " ".join(verdict["evidence"])
    assert "gevent:" not in gilspy.run("dump", "-p", process.pid, "--tasks=off").stdout


def test_greenlets_that_come_and_go(real):
    process, _ = begin(real, "greenlets", "churn")
    whole = ["sleep", "inner", "middle", "outer"]
    counted = {"whole": 0, "gaps": 0}

    def enough():
        document = gilspy.dump(process.pid)
        if not any(thread.get("loop") for thread in document["threads"]):
            return False
        for task in loop_of(document, "gevent")[1].values():
            names = [frame["function"] for frame in task["frames"]]
            if task["name"] == "main" or task["state"] == "ready":
                continue
            if names and task["frames"][-1]["kind"] == "gap":
                counted["gaps"] += 1
            elif task["state"] == "waits":
                assert names in (whole, [])  # one that is just being made has no frame yet
                counted["whole"] += names == whole
        return counted["whole"] > 100
    until(enough, "greenlets to be seen")


def test_tasks_of_trio(real, seen):
    process, line = begin(real, "trio_tasks")
    truth = json.loads(line)
    loop, tasks = idle(seen, process.pid, "trio")
    assert (loop["ready"], loop["left_out"]) == (0, 0)
    for key, (name, rows, parent) in truth.items():
        assert (tasks[key]["name"], stack(tasks[key]), tasks[key]["awaited_by"]) == (name, rows, [parent])
    words = {task["name"]: task["waits_for"]["text"] for task in tasks.values()}
    assert re.fullmatch(r"sleep, \d+\.\d s left", words["__main__.sleeps"]) and words["__main__.nested"] == "nursery of 2"
    assert words["__main__.wants"] == "Lock held by __main__.holds" and words["__main__.main"] == "nursery of 6"
    assert re.fullmatch(r"read from 127\.0\.0\.1:\d+", words["__main__.reads"])
    tree = gilspy.run("dump", "-p", process.pid, "--tree").stdout
    assert "      __main__.nested waits: nursery of 2  nested (script-0.py:" in tree


def test_a_task_that_keeps_trio(real, seen):
    process, _ = begin(real, "trio_tasks", "keeps")
    keeper = process.stdout.readline().strip()
    tasks = kept(seen, process.pid, "trio", keeper, "keeps")
    assert len(tasks) == 12
    check_record(process.pid, tasks[keeper])
    found = []

    def looked():
        done = gilspy.run("stat", "-q", "-j", "-d", "500ms", "-p", process.pid)
        found[:] = json.loads(done.stdout)["loops"]
        return found[0]["longest_callback"] and found[0]["ready"] is not None
    until(looked, "the step's stack")
    assert [(loop["kind"], loop["busy"], loop["callbacks_per_second"], loop["tasks"]) for loop in found] == \
        [("trio", 1, 0, 12)]
    assert found[0]["longest_callback"]["function"] == "keeps" and found[0]["longest_callback_us"] > 0


def test_steps_of_trio_are_counted(real):
    process, _ = begin(real, "trio_steps")
    command = [gilspy.PROGRAM, "stat", "-q", "-j", "--interval", "200ms", "-p", str(process.pid)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stat:
        def next_steps():
            document = json.loads(stat.stdout.readline())
            return round(sum((loop["callbacks_per_second"] or 0) * document["seconds"] for loop in document["loops"]))
        before = 0

        def as_many():
            nonlocal before
            process.stdin.write("\n")
            process.stdin.flush()
            told, seen, last = int(process.stdout.readline()), 0, 1
            while last:
                last = next_steps()
                seen += last
            steps, before = told - before, told
            return seen == pytest.approx(steps, rel=0.03) and steps > 9000
        until(lambda: not next_steps(), "it to stand still")
        until(as_many, "as many steps as it counted")
        stat.send_signal(signal.SIGINT)
        stat.stdout.read()


def test_a_trio_that_asyncio_hosts(real, seen):
    process, line = begin(real, "trio_guest")
    truth, of_host = json.loads(line)
    document = seen(process.pid, lambda document: all(thread["syscall"] for thread in document["threads"]))
    thread = document["threads"][0]
    host, (guest,) = thread["loop"], thread["other_loops"]
    assert (host["kind"], guest["kind"], host["left_out"], len(host["tasks"])) == ("asyncio", "trio", 0, 1)
    tasks = {task["id"]: task for task in host["tasks"] + guest["tasks"]}
    for key, (name, rows) in [*truth.items(), *of_host.items()]:
        assert (tasks[key]["name"], stack(tasks[key])[-len(rows):]) == (name, rows)
    assert sorted(name for name, rows in truth.values()) == ["one", "two"] and len(guest["tasks"]) == 5


def test_a_task_that_keeps_a_guest(real):
    process, _ = begin(real, "trio_guest", "keeps")

    def keeps():
        done = gilspy.run("record", "-p", process.pid, "--tasks", "-m", "wall", "-d", "200ms", "-f", "folded", "-o", "-",
                          "--thread", "MainThread", *NO_BUDGET)
        stacks = [line.rpartition(" ")[0].split(";") for line in done.stdout.splitlines() if LATE not in line]
        return all(frames[1] == "__main__.keeps" and frames[-1].startswith("keeps ") for frames in stacks)
    until(keeps, "the task that keeps both loops")


def test_callbacks_of_uvloop(real, seen):
    process, _ = begin(real, "uvloop_kept")
    document = seen(process.pid, lambda document: document["threads"][0]["loop"]["running"])
    assert document["threads"][0]["loop"]["ready"] == 3
    loop, = json.loads(gilspy.run("stat", "-q", "-j", "-d", "500ms", "-p", process.pid).stdout)["loops"]
    assert (loop["busy"], loop["callbacks_per_second"], loop["ready"]) == (1, 0, 3)
