"""What `why` says of services, pools and libraries as they are, of which it was wrong once."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

import gilspy
from target import until

SCENES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenes")
HEALTHY = {"busy", "idle"}
ATTEMPTS = 4  # for what depends on who gets a processor when


def begin(real, scene, *words):
    """The process of a scene that has come to where it says so, and what it printed."""
    with open(os.path.join(SCENES, scene + ".py")) as file:
        return real.run(file.read(), *words, stdin=-1)


def serve(real, milliseconds, cpu, io, pause):
    """The worker of a gunicorn with 8 threads, each of whose requests computes so long, and which so many clients ask."""
    for name in ("gthread_app.py", "clients.py"):
        shutil.copy(os.path.join(SCENES, name), real.folder)
    master = real.start(real.path("gunicorn"), "-k", "gthread", "--threads", "8", "-b", "127.0.0.1:0", "gthread_app:app",
                        env={**os.environ, "SCENE_MS": str(milliseconds)}, stderr=subprocess.PIPE, text=True)
    port = worker = None
    while worker is None:
        line = master.stderr.readline()
        port = re.search(r"Listening at: http://127.0.0.1:(\d+)", line) or port
        worker = re.search(r"Booting worker with pid: (\d+)", line)
    clients = real.start(real.python, "clients.py", port[1], cpu, io, pause, stdout=subprocess.PIPE, text=True)
    clients.stdout.readline()
    pid = int(worker[1])
    until(lambda: any(frame["function"] == "app" for thread in gilspy.dump(pid)["threads"] for frame in thread["frames"]),
          "a request")
    return pid


def asleep(pid, count=1):
    """Until all its threads, so many at least, sleep in the same places in two looks."""
    def look():
        done = gilspy.run("dump", "--json", "-p", pid)
        threads = json.loads(done.stdout)["threads"] if done.returncode == 0 else []  # it may not have come to be a Python
        return [(thread["tid"], thread["frames"]) for thread in threads if thread["syscall"]], len(threads)

    def settled():
        one, other = look(), look()
        return one == other and len(one[0]) == one[1] >= count
    until(settled, "all threads to sleep")


def ask(pid, *words):
    done = gilspy.run("why", "--json", *words, "-p", pid)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def first(pid, *words):
    """The first verdict, and all it says."""
    verdict = ask(pid, *words)["verdicts"][0]
    return verdict, " ".join([verdict["text"], *verdict["evidence"], verdict["advice"] or ""])


def first_of(pid, *kinds):
    """The same where one look of several must tell."""
    for attempt in range(ATTEMPTS):
        verdict, words = first(pid)
        if verdict["kind"] in kinds:
            break
    assert verdict["kind"] in kinds, words
    return verdict, words


def test_shutdown(real):
    process, _ = begin(real, "shutdown")
    asleep(process.pid, 2)
    verdict, words = first(process.pid)
    assert verdict["kind"] == "idle" and "has come to the end of the program" in words


def test_lock_that_goes_round(real):
    process, _ = begin(real, "logging_turns")
    for attempt in range(ATTEMPTS):
        assert "lock_wait" not in {verdict["kind"] for verdict in ask(process.pid)["verdicts"]}
    first_of(process.pid, "lock_contended")


@pytest.mark.parametrize("load", [(6, 4, 2, 15), (5, 4, 2, 12)])
def test_contended_server(real, load):
    """The GIL has time to spare, unless the machine has none, and each request waits for it for longer than it computes."""
    pid = serve(real, *load)
    verdict, words = first_of(pid, "gil_contended", "gil_saturated", *HEALTHY)
    if verdict["kind"] in HEALTHY:
        starved = re.search(r"For (\d+\.\d) s in each second a thread of it could have run", words)
        assert starved and float(starved[1]) >= 1, words  # what it waits for is the machine
        return
    if verdict["kind"] == "gil_saturated":
        assert int(re.search(r"the GIL is taken (\d+) % of the time", words).group(1)) >= 90
        return
    assert len(verdict["threads"]) > 1 and "ThreadPoolExecutor-0_" in words and re.search(r"costs \d+ threads \d+ % of the time", words)


def test_task_that_waits_for_a_task(real):
    """Whether another worker takes it nobody here knows: it is told what it waits for."""
    process, _ = begin(real, "celery_self")
    verdict, words = first(process.pid)
    assert verdict["kind"] == "idle" and "waits in a task of celery until a worker has done another one" in words, words


def test_server_with_time(real):
    """The same with little to do."""
    pid = serve(real, 2, 1, 1, 40)
    for attempt in range(ATTEMPTS):
        assert {verdict["kind"] for verdict in ask(pid)["verdicts"]} <= HEALTHY


@pytest.mark.parametrize("loop, waiting", [("asyncio", "20 timers"), ("uvloop", "22 tasks")])
def test_loop_that_stands(real, loop, waiting):
    process, _ = begin(real, "loop_sleeps", loop)
    verdict, words = first_of(process.pid, "loop_blocked")
    assert "bad (" in words and waiting in words


def test_a_lock_that_was_not_given_back(real):
    """Those who wait in the server are told; the client's requests show where they wait for their answers."""
    process, _ = begin(real, "aiohttp_lock")
    verdict, words = first_of(process.pid, "task_deadlock")
    assert "5 tasks wait for a Lock that nobody is seen to have" in words and "takes (" in words
    (loop,) = [thread["loop"] for thread in gilspy.dump(process.pid)["threads"] if thread.get("loop")]
    functions = [[frame["function"] for frame in task["frames"]] for task in loop["tasks"]]
    assert sum("takes" in names for names in functions) == 5
    assert sum("_request" in names and "read" in names for names in functions) == 5


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("scene", ["loop_well", "loop_alone"])
def test_loop_that_is_well(real, scene, loop):
    """Short callbacks one after the other; a long one that keeps nobody waiting."""
    process, _ = begin(real, scene, loop)
    for attempt in range(2):
        assert {verdict["kind"] for verdict in ask(process.pid)["verdicts"]} <= HEALTHY


def test_threads_of_a_library(real):
    process, _ = begin(real, "polars_group")
    verdict, words = first_of(process.pid, "busy")
    assert "that run no Python compute" in words and "polars-" in words
    native = json.loads(gilspy.run("stat", "--json", "-d", "1", "-p", process.pid).stdout)["native"]
    assert native["on_cpu"] > 0 and native["threads"] > len(native["busiest"])
    assert {thread["name"].split("-")[0] for thread in native["busiest"]} <= {"polars"}


def test_idle_is_certain(real):
    process, _ = begin(real, "pipe_idle")
    asleep(process.pid)
    verdict, _ = first(process.pid)
    assert (verdict["kind"], verdict["confidence"]) == ("idle", "certain")


def test_row_lock(real):
    """The other end of a Unix socket, which has no name of its own, by the process that has it."""
    process, server = begin(real, "row_lock")
    try:
        asleep(process.pid)
        verdict, words = first(process.pid)
    finally:
        os.kill(int(server), signal.SIGINT)
    assert verdict["kind"] == "idle"
    assert re.search(r"process \d+ \(postgres\)", words) and ".s.PGSQL." in words, words


def test_locks_crosswise(real):
    process, _ = begin(real, "locks_crosswise")
    asleep(process.pid, 3)
    verdict, words = first(process.pid)
    assert (verdict["kind"], verdict["confidence"]) == ("lock_deadlock", "likely"), words
    assert len(verdict["threads"]) == 3  # who waits behind them, too


def test_locks_that_a_third_has(real):
    process, _ = begin(real, "locks_lent")
    asleep(process.pid, 4)
    verdict, words = first(process.pid)
    assert verdict["kind"] == "lock_wait", words


@pytest.mark.parametrize("way", ["result", "wait", "as_completed", "begun", "apply"])
def test_pool_exhausted(real, way):
    process, _ = begin(real, "pool_full", way)
    asleep(process.pid, 3)
    verdict, words = first(process.pid)
    assert (verdict["kind"], verdict["confidence"], len(verdict["threads"])) == ("pool_exhausted", "certain", 2), words


def begin_pool(real, *words):
    process, line = begin(real, "pool_dry", *words)
    if line != "ready":
        pytest.skip("%s: script/setup --real installs it" % line)
    return process


@pytest.mark.parametrize("way, library", [("sqlalchemy", "SQLAlchemy"), ("psycopg", "psycopg_pool"), ("urllib3", "urllib3"),
                                          ("redis", "redis"), ("dbutils", "DBUtils")])
def test_pool_without_connections(real, way, library):
    process = begin_pool(real, way)
    asleep(process.pid, 7)
    verdict, words = first(process.pid, "-d", "0.6")
    assert (verdict["kind"], verdict["confidence"], len(verdict["threads"])) == ("pool_exhausted", "likely", 4), words
    assert "A pool of connections of %s has none left" % library in verdict["text"]
    assert "keep (" in words  # what the others do


def test_pool_of_connections_in_turn(real):
    process = begin_pool(real, "sqlalchemy", "turns")
    assert "pool_exhausted" not in {verdict["kind"] for verdict in ask(process.pid)["verdicts"]}


@pytest.mark.parametrize("way", ["result", "either"])
def test_pool_that_waits_for_another(real, way):
    """Or for whichever of the two is the first."""
    process, _ = begin(real, "pools_two", way)
    asleep(process.pid, 5)
    verdict, words = first(process.pid)
    assert verdict["kind"] == "idle", words


@pytest.mark.parametrize("kind", ["lock", "rlock"])
def test_fork_with_lock(real, kind):
    """Who had it there is in the parent, and cannot be in the child."""
    _, child = begin(real, "fork_held", kind)
    asleep(child)
    verdict, words = first(child)
    assert verdict["kind"] == "lock_wait"
    assert re.search(r"which flusher \(\d+\) had in process \d+ when this was forked", verdict["text"]), words
    assert "spawn" in verdict["advice"]


@pytest.mark.parametrize("scene", ["locks_across", "pipes_across"])
def test_deadlock_across_processes(real, scene):
    process, child = begin(real, scene)
    asleep(process.pid)
    asleep(child)
    for pid, other in (process.pid, child), (child, process.pid):
        verdict, words = first(pid)
        assert (verdict["kind"], verdict["confidence"]) == ("lock_deadlock", "likely"), words
        assert "this one and process %s (" % other in verdict["text"]


def test_worker_that_waits_for_work(real):
    """Its parent waits for input of its own, and could give it some."""
    _, child = begin(real, "pipe_idle")
    asleep(child)
    verdict, words = first(child)
    assert verdict["kind"] == "idle", words
