"""What `why` says of processes that hang, crawl or are well: each kind of verdict, brought about by a real process."""
import contextlib
import json
import os
import subprocess
import tempfile

import pytest

import gilspy
import pythons
import why
from cores import leave_by_gcore, where
from target import FUTEX, WRITE, running, until

WATCHED = ["-d", "600ms"]
ATTEMPTS = 4  # for what depends on who gets a processor when
HEALTHY_LOOKS = 3
FEW = ("2.7.18-pyenv", "3.11.2-system")  # and the newest: where what does not depend on the layout is tried
CALM = [way for way in why.WAYS if way.calm]
LIVELY = [way for way in why.WAYS if not way.calm]


def wanted(python):
    return python.label in FEW or (not python.debug and not python.threaded and
                                   python.at_least in ((3, 6), (3, 8), (3, 12), (3, 13), (3, 14), (3, 15)))


def few(python):
    return python.label in FEW or python.at_least == (3, 15)


def first(python):
    return python.label == FEW[0]


def ask(pids, *options):
    """The documents of these processes, checked for what holds for every one."""
    done = gilspy.run("why", "--json", *options, "-p", ",".join(map(str, pids)))
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    documents = document["processes"] if len(pids) > 1 else [document]
    assert [one["pid"] for one in documents] == list(pids)
    for one in documents:
        check(one)
    return documents


def check(document):
    assert set(document) == why.KEYS and document["schema"] == 1
    assert document["verdicts"]
    tids = {thread["tid"] for thread in document["dump"]["threads"]}
    for verdict in document["verdicts"]:
        assert set(verdict) == why.VERDICT
        assert verdict["kind"] in why.KINDS and verdict["confidence"] in ("certain", "likely")
        assert verdict["text"] and verdict["evidence"] and set(verdict["threads"]) <= tids


def wrong(way, document):
    """What is wrong with the verdicts; None: nothing."""
    verdicts = document["verdicts"]
    kinds = [verdict["kind"] for verdict in verdicts]
    names = {thread["tid"]: thread["name"] for thread in document["dump"]["threads"]}
    concerned = {names[tid] for tid in verdicts[0]["threads"]}
    if kinds[:len(way.kinds)] != way.kinds or (way.name in ("pool", "server") and kinds != way.kinds):
        return verdicts
    if way.said not in " ".join(verdicts[0]["evidence"]):
        return verdicts[0]
    if way.sure not in (None, verdicts[0]["confidence"]) or not set(way.among) <= concerned:
        return verdicts[0], concerned
    return None


@pytest.mark.slow
def test_calm(python, folders):
    """All whose threads stand still are watched at once."""
    ways = [way for way in CALM if way.fits(python) and (few(python) or way.layout)]
    with contextlib.ExitStack() as stack:
        targets = [stack.enter_context(why.brought_about(python, folders, way)) for way in ways]
        documents = ask([target.pid for target in targets], *WATCHED)
        found = {way.name: wrong(way, document) for way, document in zip(ways, documents)}
        assert found == {way.name: None for way in ways}


@pytest.mark.pythons(fits=lambda python: few(python) and (python.at_least > (3, 0) or pythons.extent() == "all"))
@pytest.mark.parametrize("way", LIVELY, ids=lambda way: way.name)
@pytest.mark.slow
def test_lively(python, folders, way):
    """Who runs when is the machine's: one look of several must tell."""
    if not way.fits(python):
        pytest.skip("cannot be brought about with this Python")
    with why.brought_about(python, folders, way) as target:
        for attempt in range(ATTEMPTS):
            found = wrong(way, ask([target.pid])[0])
            if found is None:
                break
        assert found is None


@pytest.mark.pythons(fits=few)
@pytest.mark.slow
def test_no_false_alarm(python, folders):
    """No second look: what is well is never said to hang."""
    ways = [way for way in why.WAYS if way.name in ("idle", "pool", "server")]
    with contextlib.ExitStack() as stack:
        pids = [stack.enter_context(why.brought_about(python, folders, way)).pid for way in ways]
        for attempt in range(HEALTHY_LOOKS):
            for document in ask(pids, "-d", "1"):
                assert {verdict["kind"] for verdict in document["verdicts"]} <= why.HEALTHY, document["verdicts"]


@pytest.mark.pythons(fits=first)
@pytest.mark.slow
def test_c_function(python, folders):
    """What keeps the GIL has a name, where the Python has symbols."""
    ways = {way.name: way for way in why.WAYS}
    for name, function in (("gil_hog", "sre_"), ("held_blocked", "read")):
        with why.brought_about(python, folders, ways[name]) as target:
            for attempt in range(ATTEMPTS):
                evidence = " ".join(ask([target.pid])[0]["verdicts"][0]["evidence"])
                if function in evidence:
                    break
            assert function in evidence and " in lib" in evidence


@pytest.mark.pythons(fits=few)
def test_what_is_waited_for(python, folders):
    """A queue by its name, a semaphore with those who share it."""
    with running(python, folders, "well.py", "queues", pipes=why.PIPES) as target:
        names = set(target.began["tids"])
        why.sleeping(*names - {"MainThread"})(target)
        children = open("/proc/%d/task/%d/children" % (target.pid, target.pid)).read().split()
        verdict = ask([target.pid], *WATCHED)[0]["verdicts"][0]
        told = {line.split(" ")[0]: line for line in verdict["evidence"]}
        assert verdict["kind"] == "idle" and names <= set(told)
        assert "waits for an item from the queue jobs" in told["getter"]
        assert "waits for room in the queue full" in told["putter"]
        assert "/dev/shm/sem." in told["sharer"]
        assert any("that it shares with process %s (" % child in told["sharer"] for child in children)
        if python.at_least >= (3, 7):
            assert "waits for an item from the queue simple" in told["simple"]


FILE_LOCKS = [["child", "flock"], ["own", "delete", "begin immediate"], ["child", "delete", "begin exclusive"],
              ["child", "delete", "select n from stock"], ["child", "wal", "begin immediate"]]


@pytest.mark.pythons(fits=few)
def test_file_locks(python, folders):
    """Which file, and who has its lock: what sqlite sleeps for, whatever lock it tries to take."""
    with contextlib.ExitStack() as stack:
        targets = [stack.enter_context(running(python, folders, "file_lock.py", *args)) for args in FILE_LOCKS]
        owners = [target.ask("where")["answer"] for target in targets]
        for target in targets:
            until(lambda: target.call_of(target.began["tids"]["waiter"]), "it to sleep")
        documents = ask([target.pid for target in targets], *WATCHED)
    for args, owner, document in zip(FILE_LOCKS, owners, documents):
        verdict = document["verdicts"][0]
        who = "process %d (" % owner["child"] if args[0] == "child" else "this process itself"
        assert verdict["kind"] == "lock_wait" and owner["path"] in verdict["text"] and who in verdict["text"], (args, verdict)
        assert any("MainThread" in line or "owner" in line for line in verdict["evidence"]) or args[0] == "own", verdict


@pytest.mark.pythons(fits=lambda python: few(python) or wanted(python) and python.at_least in ((3, 8), (3, 13)))
def test_join_before_get(python, folders):
    """A child that cannot end before its queue is read, and a parent that waits for that end first: both are told."""
    with running(python, folders, "join_first.py") as target:
        child = target.began["child"]

        def calls():
            return sorted(open("/proc/%d/task/%s/syscall" % (child, tid)).read().split()[0]
                          for tid in os.listdir("/proc/%d/task" % child))
        until(lambda: calls() == sorted([str(WRITE), str(FUTEX)]), "the queue to be full")
        for document, other in zip(ask([target.pid, child], *WATCHED), (child, target.pid)):
            verdict = document["verdicts"][0]
            assert verdict["kind"] == "lock_deadlock" and "this one and process %d (" % other in verdict["text"], verdict
            assert "join()" in verdict["advice"] and any("waits for room in pipe:" in line for line in verdict["evidence"])


@pytest.mark.pythons(fits=first)
def test_threads_asked_for(python, folders):
    """Verdicts that these have a part in, and a dump of these."""
    way = next(way for way in why.WAYS if way.name == "deadlock_rlocks")
    with why.brought_about(python, folders, way) as target:
        for pattern, kind in (("behind", "lock_deadlock"), ("Main*", "idle"), ("nobody", "idle")):
            done = gilspy.run("why", "--json", *WATCHED, "--thread", pattern, "-p", target.pid)
            document = json.loads(done.stdout)
            assert [verdict["kind"] for verdict in document["verdicts"]] == [kind]
            assert ("1 more verdict is on other threads" in done.stderr) == (kind == "idle")
            shown = [thread["name"] for thread in document["dump"]["threads"]]
            assert shown == {"behind": ["behind"], "Main*": ["MainThread"], "nobody": []}[pattern]


@pytest.mark.pythons(fits=few)
def test_command(python, folders):
    """From its start on; the exit status is its own."""
    script = os.path.join(python.inside(folders.of(python)), "starting.py")
    for attempt in range(ATTEMPTS):  # the verdict takes a start that does not take most of the time
        process = subprocess.Popen([gilspy.PROGRAM, "why", "--json", "-d", "2", "--", *python.command(script)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        document = json.loads(process.stdout.readline())
        process.stdin.close()
        process.stdout.close()
        assert process.wait() == 7
        check(document)
        if document["verdicts"][0]["kind"] == "lock_deadlock":
            break
    assert document["verdicts"][0]["kind"] == "lock_deadlock", document["verdicts"]
    done = gilspy.run("why", "--", "/bin/sh", "-c", "exit 3")
    assert done.returncode == 1 and "no Python was met in /bin/sh" in done.stderr


@pytest.mark.pythons(fits=few)
def test_core(python, folders):
    """What one moment tells."""
    for way in why.WAYS:
        if not way.core or not way.fits(python):
            continue
        with why.brought_about(python, folders, way) as target, tempfile.TemporaryDirectory() as folder:
            target.folder = folder
            done = gilspy.run("why", "--json", "-c", leave_by_gcore(target), *where(python))
            assert (done.returncode, done.stderr) == (0, ""), way.name
            document = json.loads(done.stdout)
            check(document)
            assert document["verdicts"][0]["kind"] == way.kinds[0], (way.name, document["verdicts"])


@pytest.mark.pythons(fits=few)
def test_exit_code(python, folders):
    ways = {way.name: way for way in why.WAYS}
    for name, status in (("idle", 0), ("deadlock_rlocks", 10)):
        with why.brought_about(python, folders, ways[name]) as target:
            done = gilspy.run("why", "--exit-code", *WATCHED, "-p", target.pid)
            assert (done.returncode, done.stderr) == (status, "")
            assert done.stdout.startswith(ways[name].kinds[0] + ": ")
