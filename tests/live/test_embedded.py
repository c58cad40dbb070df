"""Python inside of another program: threads of C, a late, renamed or repeated interpreter, several of them."""
import json
import os
import re
import shutil

import pytest

import gilspy
from embedding import Embedder, library_of, version_of
from target import until

pytestmark = pytest.mark.slow

NATIVE = ["native-1", "native-2"]
CALLS = [word for name in NATIVE for word in ("thread", "embedded.stand(%r, %r)" % (name, name))]
SERVE = ["run", "embedded.serve(2)"]
PIPES = NATIVE + ["gate"]


@pytest.fixture(scope="module")
def embedder():
    made = Embedder()
    yield made
    made.remove()


def document_of(pid):
    done = gilspy.run("dump", "-j", "-p", pid)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def threads_of(document):
    return {thread["tid"]: thread for thread in document["threads"]}


def functions_of(thread):
    return [frame["function"] for frame in thread["frames"]]


def check_threads(target, library, main):
    """The threads that have to do with Python, and only those; then the GIL is taken, and waited for."""
    tids = target.began["tids"]
    for name in NATIVE:
        target.wait_reading(tids[name], name)
    target.wait_reading(tids["MainThread"], "stdin")
    document = document_of(target.pid)
    assert document["process"]["python"].startswith(version_of(library) + ".")
    threads = threads_of(document)
    assert set(threads) == set(tids.values())
    assert [tid for tid, thread in threads.items() if thread["main"]] == main
    assert threads[tids["MainThread"]]["name"] == "MainThread"
    assert functions_of(threads[tids["MainThread"]])[-3:] == ["serve", "serve", "<module>"]
    for name in NATIVE:
        thread = threads[tids[name]]
        assert functions_of(thread) == ["wait", "stand", "<module>"] and thread["frames"][-1]["file"] == "<string>"
        assert (thread["gil"], thread["syscall"]) == ("without", "read")
    target.feed("native-2")
    target.wait_reading(tids["native-2"], "gate")
    target.feed("native-1")
    target.wait_calling(tids["native-1"], 202)

    def waits():
        threads = threads_of(document_of(target.pid))
        assert threads[tids["native-2"]]["gil"] == "holds" and threads[tids["MainThread"]]["gil"] == "without"
        return threads[tids["native-1"]]["gil"] == "waits"
    until(waits, "native-1 to wait")
    row, = json.loads(gilspy.run("ps", "-j", "-p", target.pid).stdout)["processes"]
    assert (row["holder"], row["threads"]) == (tids["native-2"], 3) and row["command"][0].startswith("/tmp/")
    assert re.search(r"^GIL: held by %d " % tids["native-2"], gilspy.run("dump", "-p", target.pid).stdout, re.M)


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.8", "3.11", "3.13", "debian"])
def test_threads_of_c(embedder, version):
    """Linked; the program's first thread knows nothing of Python, another one is Python's main thread."""
    library = library_of(version)
    orders = ["stranger", "aside", "init", "run", None, *CALLS, *SERVE]
    with embedder.runs(library, embedder.linked(library), orders, PIPES) as target:
        assert target.pid not in target.began["tids"].values()
        check_threads(target, library, [])


@pytest.mark.parametrize("version", ["3.6", "3.9", "3.12", "debian"])
def test_loaded_under_another_name(embedder, version):
    """A libpython that a plug-in brings along, under a name that says nothing."""
    library = library_of(version)
    renamed = os.path.join(embedder.folder, "plugin.so")
    shutil.copy(library, renamed)
    orders = ["load", renamed, "init", "run", None, *CALLS, *SERVE]
    with embedder.runs(library, embedder.loading(), orders, PIPES) as target:
        check_threads(target, library, [target.pid])
        assert renamed in gilspy.run("dump", "-p", target.pid).stdout.splitlines()[1]


def stand_in(pipe, then=""):
    """Python that needs no module beside those that are built in."""
    return lambda fds: ("import os\ndef {0}():\n os.read({1}, 1)\n{2}\nos.write(1, b'\"there\"\\n')\n{0}()"
                        .format(pipe, json.loads(fds)[pipe], then))


@pytest.mark.parametrize("deleted", [False, True], ids=["there", "deleted"])
def test_static(embedder, deleted):
    """Linked with libpython.a, exporting nothing: its symbols are only in its file, which may be no more."""
    library = library_of("static")
    program = embedder.linked(library)
    orders = ["init", "thread", stand_in("native"), "run", stand_in("main", " while True: pass")]
    with embedder.runs(library, program, orders, ["main", "native"]) as target:
        if deleted:
            os.unlink(program)
        target.listen()
        target.wait_reading(target.pid, "main")
        document = document_of(target.pid)
        assert document["process"]["python"].startswith("3.11.")
        threads = threads_of(document)
        native, = set(threads) - {target.pid}
        target.wait_reading(native, "native")
        for tid, name in ((target.pid, "main"), (native, "native")):
            assert functions_of(threads[tid]) == [name, "<module>"] and threads[tid]["gil"] == "without"
        target.feed("main")
        until(lambda: document_of(target.pid)["interpreters"][0]["gil"]["holder"] == target.pid, "main to hold it")
        rows = {row["pid"]: row for row in json.loads(gilspy.run("ps", "-j").stdout)["processes"]}
        assert rows[target.pid]["python"].startswith("3.11.") and rows[target.pid]["threads"] == 2


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.8", "3.11", "3.13"])
def test_late_and_again(embedder, version):
    """Before there is an interpreter, while there is one, after it, and when there is another."""
    library = library_of(version)
    there = ["init", "run", None, "run", "common.say(tid=common.tid())", "wait", "fini", "say", "ended", "wait"]
    orders = ["say", "empty", "wait", "load", library, "say", "loaded", "wait", *there, *there]
    with embedder.runs(library, embedder.loading(), orders) as target:
        assert target.began == "empty"
        done = gilspy.run("dump", "-p", target.pid)
        assert (done.returncode, done.stdout) == (5, "") and "no interpreter is mapped in it" in done.stderr
        for expected in ["loaded", None, "ended", None, "ended"]:
            target.process.stdin.write(b"\n")
            target.process.stdin.flush()
            said = target.listen()
            document, done = document_of(target.pid), gilspy.run("dump", "-p", target.pid)
            assert (done.returncode, done.stderr) == (0, "")
            if expected:
                assert said == expected
                assert (document["interpreters"], document["threads"]) == ([], [])
                assert done.stdout.endswith("\nNo interpreter runs in it: it has not begun yet, or has ended\n")
            else:
                thread, = document["threads"]
                assert said["tid"] == thread["tid"] == document["interpreters"][0]["gil"]["holder"] == target.pid
            row, = json.loads(gilspy.run("ps", "-j", "-p", target.pid).stdout)["processes"]
            assert row["watchable"] is True and (row["threads"] or 0) == len(document["threads"])


@pytest.mark.parametrize("version", ["3.6", "3.8", "3.13"])
def test_over_and_over(embedder, version):
    """It ends and begins while it is looked at: what there is at that moment is shown, or that it cannot be."""
    library = library_of(version)
    orders = ["load", library, "say", "begun", "init", "run", "x = sum(range(10000))", "fini", "again", "4"]
    seen = 0
    with embedder.runs(library, embedder.loading(), orders) as target:
        for _ in range(40):
            done = gilspy.run("dump", "-j", "-p", target.pid)
            assert done.returncode in (0, 1) and bool(done.stdout) == (done.returncode == 0), done.stderr
            if done.returncode == 0:
                for thread in json.loads(done.stdout)["threads"]:
                    assert (thread["tid"], thread["main"]) == (target.pid, True)
                    seen += 1
        assert seen > 0
        done = gilspy.run("top", "--once", "-d", "0.3", "-p", target.pid)
        assert done.returncode == 0 and "pid %d " % target.pid in done.stdout
        assert target.process.poll() is None


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.8", "3.11", "3.12", "3.13"])
def test_interpreters(embedder, version):
    """Made by the program: one shares the GIL, the other has its own where there is such a thing."""
    library = library_of(version)
    gil = "own" if tuple(map(int, version.split("."))) >= (3, 12) else "shared"
    orders = ["load", library, "init", "run", None, "interpreter", "shared", stand_in("one"),
              "interpreter", gil, stand_in("two"), "run", "common.say(tid=common.tid()); common.wait('main')",
              "run", "common.wait_holding('main')"]
    with embedder.runs(library, embedder.loading(), orders, ["main", "one", "two"]) as target:
        target.listen(), target.listen()  # the three speak in any order
        target.wait_reading(target.pid, "main")
        stands = {pipe: until(lambda: [int(tid) for tid in os.listdir("/proc/%d/task" % target.pid)
                                       if (target.call_of(int(tid)) or [9])[:2] == [0, target.fds[pipe]]],
                              "a thread to read from " + pipe)[0] for pipe in ("one", "two")}
        target.feed("main")
        until(lambda: document_of(target.pid)["interpreters"][0]["gil"]["holder"] == target.pid, "main to hold")
        document = document_of(target.pid)
        ids = [interpreter["id"] for interpreter in document["interpreters"]]
        holders = [interpreter["gil"]["holder"] for interpreter in document["interpreters"]]
        assert ids == [0, 1, 2] and holders.count(target.pid) == (3 if gil == "shared" else 2)
        threads = threads_of(document)
        assert set(threads) == {target.pid, *stands.values()}
        for pipe, tid in stands.items():
            assert functions_of(threads[tid]) == [pipe, "<module>"] and threads[tid]["gil"] == "without"
        inside = [threads[tid]["interpreters"] for tid in stands.values()]
        assert sorted(ids[-1] for ids in inside) == [1, 2] and threads[target.pid]["interpreters"] == [0]
