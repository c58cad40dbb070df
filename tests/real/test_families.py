"""Masters and their workers, as the servers and runners of PyPI have them: one answer for all."""
import http.client
import json
import socket
import subprocess

import pytest

import gilspy
from target import until

HUNG = """import threading, time
lock = threading.Lock()
lock.acquire()
def app(environ, start_response):
    if environ["PATH_INFO"] == "/hang":
        lock.acquire()
    start_response("200 OK", [("Content-Length", "1")])
    return [b"x"]
async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/hang":
        lock.acquire()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x"})
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def ask_to_hang(port):
    """A request that is never answered; its socket."""
    asking = socket.create_connection(("127.0.0.1", port))
    asking.sendall(b"GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return asking


def listed(pid, *roles):
    """The rows of ps below a process, once there is one of each role."""
    def look():
        rows = json.loads(gilspy.run("ps", "--json").stdout)["processes"]
        below = [row for row in rows if row["parent"] == pid]
        return below if all(any(row["role"] == role for row in below) for role in roles) else None
    return until(look, "workers of %d" % pid)


def groups(pid, *words):
    done = gilspy.run("why", "--json", "-s", "-p", pid, "-d", "600ms", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["groups"]


SERVERS = {
    "gunicorn": (["gunicorn", "-w", "4", "-t", "600", "--no-control-socket", "-b", "127.0.0.1:{port}", "hung:app"],
                 "gunicorn, worker", 4, "lock_wait"),
    "uvicorn": (["uvicorn", "--loop", "asyncio", "--workers", "3", "--port", "{port}", "hung:asgi"],
                "multiprocessing worker of uvicorn", 3, "loop_blocked"),
}


@pytest.mark.parametrize("server", SERVERS)
def test_the_worker_that_hangs(real, server):
    """It is the first row, and by itself; the others are one, their master the last."""
    words, role, count, kind = SERVERS[server]
    (real.folder / "hung.py").write_text(HUNG)
    port = free_port()
    master = real.start(real.path(words[0]), *[word.format(port=port) for word in words[1:]], stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL)
    until(lambda: answers(port), server)
    until(lambda: sum(row["role"] == role for row in listed(master.pid, role)) == count, "all workers")
    with ask_to_hang(port):
        first = until(lambda: next((group for group in groups(master.pid) if group["kind"] == kind), None), "a verdict")
        found = groups(master.pid)
    assert found[0]["pids"] == first["pids"] and len(first["pids"]) == 1 and found[0]["role"] == role
    assert found[-1]["pids"] == [master.pid] and found[-1]["kind"] == "idle"
    assert sorted(len(group["pids"]) for group in found if group["role"] == role) == [1, count - 1]


def test_workers_of_pytest(real):
    """Their command lines say nothing."""
    (real.folder / "test_waits.py").write_text("import os, pytest, time\n@pytest.mark.parametrize('i', range(2))\n"
                                               "def test_waits(i): time.sleep(10000)\n")
    master = real.start(real.path("pytest"), "-n", "2", "-q", "test_waits.py", stdout=subprocess.DEVNULL)
    rows = until(lambda: [rows for rows in [listed(master.pid, "execnet worker of pytest")] if len(rows) == 2], "workers")[0]
    workers = {row["pid"] for row in rows}

    def merged():
        done = gilspy.run("dump", "--merge", "--json", "-s", "-p", master.pid)
        stacks = json.loads(done.stdout)["stacks"]
        return [stack for stack in stacks if stack["frames"] and stack["frames"][0]["function"] == "test_waits"]
    stack, = until(lambda: [stack for stack in merged() if stack["count"] == 2], "both tests")
    assert set(stack["pids"]) == workers


def test_prefork_workers_of_celery(real):
    (real.folder / "tasks.py").write_text("from celery import Celery\napp = Celery('tasks', broker='memory://')\n")
    master = real.start(real.path("celery"), "-A", "tasks", "worker", "-c", "3", "--without-heartbeat", "--without-gossip",
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: len(listed(master.pid, "celery, worker")) == 3, "three workers")
    found = groups(master.pid)
    assert [len(group["pids"]) for group in found if group["role"] == "celery, worker"] == [3]
    assert found[-1]["pids"] == [master.pid] and {group["kind"] for group in found} == {"idle"}


def test_a_pool_of_processes(real):
    source = ("import multiprocessing, sys, time\ndef work(i): time.sleep(10000)\nif __name__ == '__main__':\n"
              " pool = multiprocessing.get_context('spawn').Pool(3)\n pool.map_async(work, range(3), chunksize=1)\n"
              " print(flush=True)\n sys.stdin.readline()\n")
    process, _ = real.run(source, stdin=subprocess.PIPE)
    role = "multiprocessing worker of script-0.py"

    def together():
        found = [group for group in groups(process.pid) if group["role"] == role]
        return found if [len(group["pids"]) for group in found] == [3] else None
    assert until(together, "three workers at the same place")[0]["kind"] == "idle"
    summed = json.loads(gilspy.run("stat", "--json", "-s", "-p", process.pid, "-d", "300ms").stdout)["groups"][0]
    assert set(until(together, "them again")[0]["pids"]) < set(summed["pids"]) and process.pid in summed["pids"]
