"""Servers and pools whose children do the work: uWSGI and gunicorn of Debian, multiprocessing, subprocess."""
import contextlib
import json
import os
import shutil
import signal
import socket

import pytest

import gilspy
from spaces import choose
from target import Program, running, until

pytestmark = pytest.mark.slow

UWSGI = ["uwsgi", "--plugins-dir", "/usr/lib/uwsgi/plugins", "--plugin", "python3", "--disable-logging",
         "--die-on-term"]
SLEEPS = (270, 230)  # pselect6 up to 3.10, clock_nanosleep


@contextlib.contextmanager
def server(folders, tmp_path, words):
    """A server with wsgi.py; the target has `ask`, which sends a request and returns what its thread says."""
    if not shutil.which(words[0]):
        pytest.skip("%s is not installed" % words[0])
    python = choose("3.11", "system")
    path, folder, open_sockets = str(tmp_path / "socket"), folders.of(python), []

    def ask(name):
        def connect():
            client = socket.socket(socket.AF_UNIX)
            open_sockets.append(client)
            return client.connect_ex(path) == 0
        until(connect, "the server to listen")
        open_sockets[-1].sendall(b"GET /%s HTTP/1.0\r\n\r\n" % name.encode())
        while True:
            said = target.listen()
            if said.get("name") == name:
                return said

    def command(fds):
        return ["env", "GILSPY_FDS=" + fds, *(word.format(socket=path, folder=folder) for word in words)]
    with running(command, kind=Program, pipes=["sleep", "hold"], env={"PYTHONPATH": folder}) as target:
        target.ask = ask
        try:
            yield target
        finally:
            end_family(target.pid)
            for client in open_sockets:
                client.close()


def uwsgi(*more):
    return UWSGI + ["--http-socket", "{socket}", "--wsgi-file", "{folder}/wsgi.py", *more]


def gunicorn(*more):
    return ["gunicorn", "--bind", "unix:{socket}", "--chdir", "{folder}", "--log-level", "error", *more,
            "wsgi:application"]


def end(pids):
    """Those that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def call_of(pid):
    """The system call in which a process sleeps; None: it runs."""
    with open("/proc/%d/syscall" % pid) as file:
        word = file.read().split()[0]
    return None if word == "running" else int(word)


def state_of(pid):
    with open("/proc/%d/stat" % pid) as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def end_family(pid):
    """A server, and its workers, of which it must not start new ones meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: state_of(pid) == "T", "the server to stop")
    workers = children_of(pid)
    end([pid] + workers)


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return sorted(map(int, file.read().split()))


def documents_of(*words):
    done = gilspy.run("dump", "-j", *words)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    for each in document.get("processes", [document]):
        gilspy.check(each)
    return document


def thread_of(document, tid):
    thread, = [thread for thread in document["threads"] if thread["tid"] == tid]
    return thread


def functions_of(thread):
    return [frame["function"] for frame in thread["frames"]]


def check_hint(pid, children):
    """Of a process that only minds others: where to look instead."""
    text = gilspy.run("dump", "-p", pid).stdout
    expected = "It has started %d other Python process%s, which -s shows too: %s\n" % (
        len(children), "es" if len(children) > 1 else "", ", ".join(map(str, sorted(children))))
    assert text.endswith("\n" + expected)
    assert "which -s shows too" not in gilspy.run("dump", "-s", "-p", pid).stdout


def check_stands(name, said):
    """A request stands in a thread of a worker, and gilspy shows it there."""
    def stands():
        document = documents_of("-p", said["pid"])
        thread = thread_of(document, said["tid"])
        function, word = {"hold": ("wait_holding", "holds"), "sleep": ("wait", "without")}[name]
        return functions_of(thread)[:3] == [function, name, "application"] and thread["gil"] == word and document
    document = until(stands, "%s to stand" % name)
    thread = thread_of(document, said["tid"])
    assert thread["main"] == (said["tid"] == said["pid"])
    holder = document["interpreters"][0]["gil"]["holder"]
    assert (holder == said["tid"]) == (name == "hold")


def check_workers(target):
    """Two requests in two workers, or in one. The one that holds the GIL comes last: behind it nothing is served."""
    said = {}
    for name in ("sleep", "hold"):
        said[name] = target.ask(name)
        check_stands(name, said[name])
    until(lambda: len(children_of(target.pid)) == 2, "both workers")
    workers = children_of(target.pid)
    assert {each["pid"] for each in said.values()} <= set(workers)
    everybody = documents_of("-s", "-p", target.pid)["processes"]
    assert [each["process"]["pid"] for each in everybody] == [target.pid] + workers
    documents = {each["process"]["pid"]: each for each in everybody}
    for name, each in said.items():
        assert name in functions_of(thread_of(documents[each["pid"]], each["tid"]))
    rows = {row["pid"]: row for row in json.loads(gilspy.run("ps", "-j").stdout)["processes"]}
    for pid in [target.pid] + workers:
        assert rows[pid]["python"].startswith("3.11.") and rows[pid]["threads"] > 0
    assert rows[said["hold"]["pid"]]["holder"] == said["hold"]["tid"]
    check_hint(target.pid, workers)
    return workers


def wait_for_cores(master, count):
    """uWSGI's threads have made themselves known to Python, which takes the GIL."""
    def known(pid):
        done = gilspy.run("dump", "-j", "-p", pid)
        names = [thread["name"] for thread in json.loads(done.stdout)["threads"]] if done.stdout else []
        return [name[-5:-1] for name in names] == ["Core"] * count
    until(lambda: len(children_of(master)) == 2 and all(map(known, children_of(master))), "each core to be in Python")


@pytest.mark.parametrize("more", [["--threads", "2"], [], ["--threads", "2", "--lazy-apps"],
                                  ["--enable-threads", "--py-call-osafterfork"]],
                         ids=["threads", "no-threads", "lazy", "told-of-the-fork"])
def test_uwsgi(folders, tmp_path, more):
    """It forks without telling Python, unless it is told to: the ids that Python keeps are those of the master."""
    with server(folders, tmp_path, uwsgi("--master", "--processes", "2", *more)) as target:
        wait_for_cores(target.pid, 2 if "--threads" in more else 1)
        for pid in check_workers(target):
            document = documents_of("-p", pid)
            assert document["process"]["exe"].endswith("/uwsgi-core") and document["process"]["command"][0] == "uwsgi"


def test_uwsgi_burns(folders, tmp_path):
    with server(folders, tmp_path, uwsgi("--threads", "2")) as target:
        said = target.ask("burn")
        assert said["pid"] == target.pid

        def holds():
            thread = thread_of(documents_of("-p", target.pid), said["tid"])
            assert functions_of(thread)[:2] in (["burn", "application"], ["application"], ["say", "application"])
            return thread["gil"] == "holds" and thread["runnable"] and functions_of(thread)[0] == "burn"
        until(holds, "the thread to hold the GIL")


@pytest.mark.parametrize("more", [[], ["--worker-class", "gthread", "--threads", "2"], ["--preload"]],
                         ids=["sync", "threads", "preload"])
def test_gunicorn(folders, tmp_path, more):
    with server(folders, tmp_path, gunicorn("--workers", "2", *more)) as target:
        check_workers(target)


@pytest.mark.parametrize("version", [("3.8", "pyenv"), ("3.11", "system"), ("3.13", "pyenv")], ids="-".join)
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pool(folders, version, method):
    """The parent has three idle threads beside the main one: it is pointed to its children all the same."""
    python = choose(*version)
    with running(python, folders, "pools.py", method) as target:
        said = [target.began] + [target.listen() for _ in range(2)]
        pids = sorted(each["pid"] for each in said if "pid" in each)
        assert len(pids) == 2
        try:
            for pid in pids:
                until(lambda: call_of(pid) in SLEEPS, "the worker to sleep")
                thread, = [thread for thread in documents_of("-p", pid)["threads"] if thread["main"]]
                assert functions_of(thread)[0] == "stand" and "worker" in functions_of(thread)
            target.wait_idle()
            assert len(documents_of("-p", target.pid)["threads"]) == 4
            check_hint(target.pid, children_of(target.pid))
            shown = [each["process"]["pid"] for each in documents_of("-s", "-p", target.pid)["processes"]]
            assert shown[0] == target.pid and set(pids) < set(shown) and len(set(shown)) == len(shown)
        finally:
            end(children_of(target.pid) + pids)


def test_subprocess(folders):
    """What is no Python is neither pointed to nor a failure."""
    python = choose("3.11", "system")
    with running(python, folders, "pools.py", "subprocess") as target:
        said = [target.began, target.listen(), target.listen()]
        pids = sorted(each["pid"] for each in said if "pid" in each)
        everybody = children_of(target.pid)
        try:
            until(lambda: os.readlink("/proc/%d/exe" % everybody[-1]).endswith("sleep"), "sleep to run")
            target.wait_idle()
            check_hint(target.pid, pids)
            document = documents_of("-s", "-p", target.pid)
            assert [each["process"]["pid"] for each in document["processes"]] == [target.pid] + pids
        finally:
            end(everybody)
