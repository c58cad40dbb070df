"""Processes and threads that come and go: forks, threads made by C code, shutdown, churn."""
import json
import os
import signal

import pytest

import gilspy
from target import READ, running, until


class Child:
    """A child of a target; what it says comes from the target's output."""
    def __init__(self, target):
        self.target, self.said = target, target.listen()
        self.pid = self.said["pid"]

    def sleeps_in_read(self, pipe):
        def asleep():
            with open("/proc/%d/syscall" % self.pid) as file:
                words = file.read().split()
            return words[0] == str(READ) and int(words[1], 0) == self.target.fds[pipe]
        until(asleep, "the child to read from " + pipe)

    def end(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def check_child(python, child, functions):
    """Only the thread that forked lives on in a child, and it is the main one there."""
    child.sleeps_in_read("child")
    for held in (False, True):
        if held:
            os.write(child.target.pipes["child"][1], b"h")
            child.sleeps_in_read("gate")
        document = gilspy.dump(child.pid)
        assert document["process"]["pid"] == child.pid and document["process"]["python"] == python.version
        assert len(document["threads"]) == 1
        thread, gil = document["threads"][0], document["interpreters"][0]["gil"]
        assert (thread["tid"], thread["ident"], thread["name"]) == (child.pid, child.said["ident"], child.said["name"])
        holds = held and python.has_gil
        assert (thread["gil"], gil["state"]) == (("holds", "held") if holds else (python.without, python.free))
        assert gil["holder"] == (child.pid if holds else None)
        names = [frame["function"] for frame in thread["frames"]]
        assert [name for name in names if name in functions] == functions


def test_fork_in_a_thread(python, folders):
    with running(python, folders, "fork.py", pipes=["fork", "child", "gate", "done"]) as target:
        target.feed("fork")
        child = Child(target)
        try:
            check_child(python, child, ["stand", "fork"])
            target.wait_reading(target.began["tids"]["forker"], "done")
            parent = gilspy.threads_by_name(gilspy.dump(target.pid))
            assert {name: thread["tid"] for name, thread in parent.items()} == target.began["tids"]
        finally:
            child.end()


def test_multiprocessing(python, folders):
    with running(python, folders, "fork.py", pipes=["fork", "child", "gate", "done"]) as target:
        target.tell("by_multiprocessing")
        answers = sorted([target.listen(), target.listen()], key=len)
        child = Child.__new__(Child)
        child.target, child.said, child.pid = target, answers[1], answers[1]["pid"]
        try:
            assert answers[0]["answer"] == child.pid
            check_child(python, child, ["stand", "serve", "<module>"])
            done = gilspy.run("dump", "-s", "--json", "-p", target.pid)
            assert done.returncode == 0 and '"pid": %d' % child.pid in done.stdout
        finally:
            child.end()


def test_thread_made_by_c(folders, python):
    """Its frames are seen, and the GIL when it has that; so are two at once."""
    with running(python, folders, "foreign.py", pipes=["park", "gate"]) as target:
        made = []
        for _ in range(2):
            target.tell("create")
            answers = sorted([target.listen(), target.listen()], key=lambda answer: "answer" in answer)
            assert answers[0]["ident"] == answers[1]["answer"]
            made.append(answers[0])
            target.wait_reading(made[-1]["tid"], "park")
        truth = {each["tid"]: target.ask("truth", each["ident"])["answer"] for each in made}
        target.wait_idle()
        document = gilspy.dump(target.pid)
        threads = {thread["tid"]: thread for thread in document["threads"]}
        assert set(threads) == {target.pid} | set(truth)
        for each in made:
            thread = threads[each["tid"]]
            assert thread["ident"] == each["ident"] and thread["gil"] == python.without and not thread["main"]
            rows = [[frame["function"], frame["file"], frame["line"], None if "inferred" in frame else frame["qualname"]]
                    for frame in thread["frames"]]
            assert rows == truth[each["tid"]] and rows[-1][0] == "from_c"
        target.feed("park")
        holder = until(lambda: [tid for tid in truth if (target.call_of(tid) or [0, 0])[1] == target.fds["gate"]],
                       "a thread to read from gate")[0]
        document = gilspy.dump(target.pid)
        assert document["interpreters"][0]["gil"]["holder"] == (holder if python.has_gil else None)


def test_shutdown(python, folders):
    """While the interpreter ends, what is still there is shown, and nothing fails."""
    with running(python, folders, "ending.py", pipes=["daemon", "late", "atexit", "finalizer"]) as target:
        target.listen()  # in atexit
        target.wait_reading(target.pid, "atexit")
        threads = {thread["tid"]: thread for thread in gilspy.dump(target.pid)["threads"]}
        assert set(threads) == set(target.began["tids"].values())
        assert "at_exit" in [frame["function"] for frame in threads[target.pid]["frames"]]

        target.feed("atexit")
        target.listen()  # in __del__, while the modules go
        target.wait_reading(target.pid, "finalizer")
        document = gilspy.dump(target.pid)
        main = document["threads"][0]
        assert main["tid"] == target.pid and main["frames"][0]["function"] == "__del__"
        assert main["gil"] == python.without

        target.feed("daemon")  # it wants the GIL, and ends or hangs
        assert gilspy.dump(target.pid)["threads"][0]["frames"][0]["function"] == "__del__"
        done = gilspy.run("dump", "-p", target.pid)
        assert done.returncode == 0
        assert "Python is shutting down\n" in done.stdout or python.at_least < (3, 7)  # which do not tell
        target.feed("finalizer")
        assert target.process.wait(timeout=90) == 0
        assert gilspy.run("dump", "-p", target.pid).returncode == 3


LOOKS = 200


@pytest.mark.pythons(fits=lambda python: python.at_least in ((2, 7), (3, 12)))
@pytest.mark.slow
def test_churn(python, folders):
    """Threads begin and end all the time: no look fails, none shows what cannot be."""
    with running(python, folders, "churn.py") as target:
        target.wait_idle()
        lasting = {name: target.began["tids"][name] for name in ("MainThread", "breeder-1", "breeder-2")}
        short = whole = 0
        for _ in range(LOOKS):
            document = gilspy.dump(target.pid)
            threads = {thread["tid"]: thread for thread in document["threads"]}
            assert set(lasting.values()) <= set(threads)
            assert len(threads) <= 3 + 8
            for name, tid in lasting.items():
                assert threads[tid]["name"] == name
            for tid in set(threads) - set(lasting.values()):
                check_short(threads[tid])
                short += 1
            whole += document["quality"]["torn"] == 0
        assert short > 0 and whole > LOOKS // 2


LEGAL = {"leaf": "short_life", "short_life": "run", "run": "_bootstrap_inner", "_bootstrap_inner": "_bootstrap",
         "__bootstrap_inner": "__bootstrap", "__bootstrap": None, "_bootstrap": None}


def check_short(thread):
    functions = [frame["function"] for frame in thread["frames"] if frame["kind"] == "python"]
    assert not thread["main"]
    for callee, caller in zip(functions, functions[1:]):
        if callee == "run":
            assert caller in ("_bootstrap_inner", "__bootstrap_inner")
        elif callee in LEGAL:
            assert caller == LEGAL[callee]
    if functions and thread["frames"][-1]["kind"] == "python":
        assert functions[-1] in ("_bootstrap", "__bootstrap")


def test_main_thread_ended(python, folders):
    """The kernel calls the process a zombie then, and yet it runs."""
    with running(python, folders, "states.py", "idle", pipes=["begin"]) as target:
        worker = target.began["tids"]["worker"]
        target.wait_reading(worker, "begin")
        target.tell("leave")
        until(lambda: target.state()[0] == "Z", "the main thread to end")
        for named in target.pid, worker:
            done = gilspy.run("dump", "--json", "-l", "-p", named)
            assert (done.returncode, done.stderr) == (0, "")
            document = json.loads(done.stdout)
            assert (document["process"]["pid"], document["process"]["python"]) == (target.pid, python.version)
            thread = gilspy.threads_by_name(document)["worker"]
            assert (thread["tid"], thread["gil"]) == (worker, python.without)
            assert "idle" in [frame["function"] for frame in thread["frames"]]
        assert gilspy.run("doctor", "-p", target.pid).returncode == 0
        row, = [row for row in json.loads(gilspy.run("ps", "--json").stdout)["processes"] if row["pid"] == target.pid]
        assert row["watchable"] and row["python"] == python.version


def has_opened(pid, path):
    """Whether a process has this file open."""
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            if os.readlink("/proc/%d/fd/%s" % (pid, fd)) == path:
                return True
        except FileNotFoundError:
            pass
    return False


def sleeps(pid):
    """How often the main thread of a process went to sleep: that of gilspy, which takes the samples."""
    with open("/proc/%d/status" % pid) as file:
        return int(file.read().split("\nvoluntary_ctxt_switches:")[1].split()[0])


@pytest.mark.parametrize("command", ["record", "top"])
def test_main_thread_ends(python, folders, tmp_path, command):
    """While it is watched: it is not lost from sight, so that nobody is counted twice and no sum begins anew."""
    with running(python, folders, "states.py", "idle", pipes=["begin"]) as target:
        worker = target.began["tids"]["worker"]
        target.wait_reading(worker, "begin")
        words = {"record": ["-o", tmp_path / "a.gilspy"], "top": ["--once"]}[command]
        with gilspy.begun(command, "-r", 500, "-d", 600, "-p", target.pid, *words) as watching:
            until(lambda: has_opened(watching.pid, "/proc/%d/mem" % target.pid), "it to be opened")
            slept = sleeps(watching.pid)
            until(lambda: sleeps(watching.pid) > slept + 100, "some samples")
            target.tell("leave")
            until(lambda: target.state()[0] == "Z", "the main thread to end")
            slept = sleeps(watching.pid)
            until(lambda: sleeps(watching.pid) > slept + 100, "some more samples")
            assert has_opened(watching.pid, "/proc/%d/mem" % target.pid)
            watching.send_signal(signal.SIGINT)
            told = watching.communicate(timeout=60)
            assert watching.returncode == 0, told
        if command == "record":
            assert " samples of 2 threads" in told[1]
        else:
            assert "worker" in told[0]


def test_family_of_a_thread(python, folders):
    """A thread's number stands for its process, whose children are meant; the children of these too."""
    with running(python, folders, "fork.py", pipes=["fork", "child", "gate", "done"]) as target:
        target.feed("fork")
        child = Child(target)
        try:
            child.sleeps_in_read("child")
            done = gilspy.run("dump", "-s", "--json", "-p", target.began["tids"]["forker"])
            assert done.returncode == 0
            shown = [each["process"]["pid"] for each in json.loads(done.stdout)["processes"]]
            assert shown == [target.pid, child.pid]
        finally:
            child.end()


def test_fewer_descriptors_than_threads(python, folders):
    """Whoever may not keep a file open for each thread tells as much of all of them."""
    with running(python, folders, "states.py", "idle", "crowd", pipes=["begin"]) as target:
        tids = target.began["tids"]
        for name, tid in tids.items():
            target.wait_reading(tid, "stdin" if name == "MainThread" else "begin")
        threads = gilspy.threads_by_name(gilspy.dump(target.pid, wrap=["prlimit", "--nofile=24"]))
        assert {name: thread["tid"] for name, thread in threads.items()} == tids
        assert {thread["gil"] for thread in threads.values()} == {python.without}
