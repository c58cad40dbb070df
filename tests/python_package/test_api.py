"""The questions, of another process and of one's own."""
import asyncio
import dataclasses
import json
import os
import socket
import subprocess
import sys
import threading

import pytest

import gilspy
from work import Spinning, count, count_until_seen

TARGET = """
import sys, threading
def spin():
    while True: sum(range(1000))
threading.Thread(target=spin, name="worker", daemon=True).start()
print("up", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def target():
    with subprocess.Popen([sys.executable, "-c", TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        yield process
        process.kill()


def every_field(document):
    """The fields are those of the JSON: none is forgotten, none is made up."""
    if isinstance(document, gilspy.Document):
        names = {field.name for field in dataclasses.fields(document)}
        optional = {field.name for field in dataclasses.fields(document) if field.default is not dataclasses.MISSING}
        assert names - optional <= set(document.to_dict()) <= names, type(document)
        for name in names:
            every_field(getattr(document, name))
    elif isinstance(document, list):
        for item in document:
            every_field(item)


# ---- another process ----

def test_dump(target):
    dump = gilspy.dump(target.pid)
    every_field(dump)
    assert dump.process.pid == target.pid and dump.gilspy == gilspy.__version__
    names = {thread.name: thread for thread in dump.threads}
    assert set(names) == {"MainThread", "worker"} and "spin" in [frame.function for frame in names["worker"].frames]
    assert '"worker"' in str(dump) and "&quot;worker&quot;" in dump._repr_html_() and str(target.pid) in repr(dump)
    assert dump.to_dict() == json.loads(json.dumps(dump.to_dict()))


def test_dump_of_an_event_loop():
    program = "import asyncio\n" \
              "async def main():\n" \
              "    asyncio.get_running_loop().call_soon(lambda: print(flush=True))\n" \
              "    await asyncio.sleep(3600)\n" \
              "stopped = asyncio.new_event_loop()\n" \
              "task = stopped.create_task(asyncio.sleep(3600))\n" \
              "stopped.run_until_complete(asyncio.sleep(0))\n" \
              "asyncio.run(main())\n"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            dump = gilspy.dump(process.pid)
        finally:
            process.kill()
    every_field(dump)
    loop = dump.threads[0].loop
    assert loop.kind == "asyncio" and loop.running is None and loop.left_out == 0
    task, = loop.tasks
    assert (task.state, task.waits_for.kind) == ("waits", "sleep") and task.frames[-1].function == "main"
    assert "waits: sleep" in repr(task)
    assert [[one.frames[-1].function for one in stopped.tasks] for stopped in dump.loops] == [["sleep"]]


def test_stat(target):
    stat = gilspy.stat(target.pid, seconds=0.3)
    every_field(stat)
    assert stat.pid == target.pid and stat.gil.held > 0.5 and stat.method == "sampled"
    assert "worker" in str(stat) and "<td>worker</td>" in stat._repr_html_()


def test_why(target):
    why = gilspy.why(target.pid, 0.2)
    every_field(why)
    assert why.pid == target.pid and [verdict.kind for verdict in why.verdicts] == ["busy"]
    assert "busy" in str(why) and "busy" in repr(why)


def test_why_of_this_process_is_not_about_who_asks():
    """Whoever asks stands in its event loop meanwhile, as %gilspy why does in a notebook's."""
    async def main():
        return gilspy.why(seconds=0.1)

    why = asyncio.run(main())
    every_field(why)
    verdict, = why.verdicts
    assert verdict.kind == "idle" and threading.get_native_id() in verdict.threads  # a worker of xdist has another one


def test_why_about_some_threads(target):
    assert [verdict.kind for verdict in gilspy.why(target.pid, 0.2, threads=["Main*"]).verdicts] != []


def test_ps(target):
    mine = {process.pid: process for process in gilspy.ps()}
    every_field(mine[target.pid])
    assert mine[target.pid].watchable and mine[target.pid].threads == 2


def test_record(target, tmp_path):
    recording = gilspy.record(target.pid, seconds=0.3, rate=200)
    every_field(recording.run)
    for name in ("a.html", "a.svg", "a.folded", "a.gilspy", "a.speedscope.json", "a.trace.json", "a.pb.gz", "a.jsonl"):
        recording.save(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 0
    assert b"spin" in (tmp_path / "a.folded").read_bytes()
    assert recording.flamegraph(mode="wall", threads=True).startswith("<svg ")
    assert recording.report().startswith("<!") and recording.stat().gil.held > 0.5
    again = subprocess.run([gilspy.program(), "report", tmp_path / "a.gilspy", "-f", "folded", "-o", "-"],
                           stdout=subprocess.PIPE, check=True)
    assert b"spin" in again.stdout


def test_a_run_that_is_pushed(target):
    """Nobody listens there: the one profile is lost, and said to be."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        server = "otlp+http://127.0.0.1:%d" % nobody.getsockname()[1]
        done = subprocess.run([gilspy.program(), "record", "--json", "-q", "-d", "200ms", "--push", server, "-p", str(target.pid)],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run = gilspy.Run._of(json.loads(done.stdout))
    every_field(run)
    assert (run.pushed.server, run.pushed.profiles, run.pushed.lost) == (server, 0, 1)


def test_a_part_of_a_recording(target, tmp_path):
    recording = gilspy.record(target.pid, seconds=0.4)
    recording.save(tmp_path / "part.folded", start=0.1, end=0.2, mode="wall")
    recording.save(tmp_path / "all.folded", mode="wall")
    part, whole = (sum(int(line.rsplit(b" ", 1)[1]) for line in (tmp_path / name).read_bytes().splitlines())
                   for name in ("part.folded", "all.folded"))
    assert 0 < part < whole


# ---- one's own ----

def test_own_stat():
    with Spinning(2), gilspy.stat(long=0.5) as run:
        count(2_000_000)
    stat = run.result
    every_field(stat)
    assert stat.pid == os.getpid() and stat.gil.held > 0.5
    idents = {thread.name: thread.ident for thread in stat.threads}
    assert set(idents) >= {"MainThread", "spins-0", "spins-1"} and idents["MainThread"] == threading.get_ident()
    assert "GIL held" in repr(run)


def test_a_hold_whose_place_is_not_known():
    hog = gilspy.Hog(1, None, None, None, None, None, 5000, 5000, 1, 0)
    assert str(hog) == "<gilspy.Hog: a place not known: 5.0 ms at most, 1 times>"


def test_own_figures_so_far():
    def looked(run):
        """Figures out of some samples: on a busy machine there may be none in a short while."""
        for _ in range(50):
            count(1_000_000)
            now = run.now()
            if now.gil.held is not None:
                break
        return now
    with gilspy.stat() as run, Spinning(1):
        first, second = looked(run), looked(run)
    assert first.gil.held > 0.5 and second.gil.held > 0.5
    assert first.seconds > 0 and second.seconds > 0


def test_the_block_alone_counts():
    """What was before it is not in it, however short it is."""
    count(3_000_000)
    with gilspy.stat() as run:
        pass
    assert run.result.seconds < 10 and run.result.quality.samples >= 1


def test_own_record(tmp_path):
    with gilspy.record(rate=500) as run, Spinning(1, "recorded"):
        count_until_seen()
    run.save(tmp_path / "run.html")
    assert "recorded-0" in run.flamegraph(mode="wall", threads=True)
    assert (tmp_path / "run.html").read_text().startswith("<!")
    assert run.result.run.pid == os.getpid()


def test_own_record_of_nothing():
    """A block that is over at once has its one sample."""
    with gilspy.record() as run:
        pass
    assert run.result.run.samples >= 1


def test_own_why():
    with gilspy.why(seconds=None) as run, Spinning(1):
        count(1_000_000)
    assert run.result.verdicts and run.result.watched_s < 60


def test_own_dump_from_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(gilspy.dump()), name="asks")
    thread.start()
    thread.join()
    assert {"MainThread", "asks"} <= {thread.name for thread in found[0].threads}


def test_own_trace(tmp_path):
    with gilspy.trace(format="chrome") as run, Spinning(1):
        count(1_000_000)
    every_field(run.result.run)
    run.save(tmp_path / "run.trace.json")
    assert json.loads((tmp_path / "run.trace.json").read_text())["traceEvents"]
    with pytest.raises(ValueError, match="format='html'"):
        run.save(tmp_path / "run.html")
    with pytest.raises(ValueError, match="format chrome"):
        run.result.page()


def test_pages_are_shown_in_a_sandbox():
    with gilspy.trace() as run:
        count(10000)
    shown = run._repr_html_()
    assert shown.startswith('<iframe srcdoc="') and 'sandbox="allow-scripts"' in shown and shown.count("<") == 2


def test_an_error_of_the_block_comes_through():
    with pytest.raises(KeyError), gilspy.record():
        raise KeyError("mine")


def test_a_block_can_be_run_again():
    run = gilspy.stat()
    for _ in range(2):
        with run:
            count(1000)
        assert run.result.pid == os.getpid()


# ---- what cannot be ----

def free_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.mark.parametrize("ask", [gilspy.dump, gilspy.why, lambda pid: gilspy.stat(pid, seconds=1),
                                 lambda pid: gilspy.record(pid, seconds=1), lambda pid: gilspy.trace(pid, seconds=1)])
def test_a_pid_of_nobody(ask):
    with pytest.raises(gilspy.NoSuchProcess, match="there is no process") as caught:
        ask(free_pid())
    assert caught.value.status == 3 and isinstance(caught.value, gilspy.Error)


def test_no_python():
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as cat:
        with pytest.raises(gilspy.NotPython) as caught:
            gilspy.dump(cat.pid)
    assert caught.value.status == 5


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become another user")
def test_no_right(target, tmp_path):
    for folder in [tmp_path, *(parent for parent in tmp_path.parents if "pytest-" in str(parent))]:
        os.chmod(folder, 0o755)
    program = tmp_path / "gilspy"
    program.write_bytes(open(gilspy.program(), "rb").read())
    program.chmod(0o755)
    script = ("import sys, gilspy\ntry: gilspy.dump(%d)\nexcept gilspy.NotPermitted as why: print(why.status, why.mend)\n"
              % target.pid)
    done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", "-c", script], check=True,
                          stdout=subprocess.PIPE, text=True, cwd="/",
                          env={**os.environ, "GILSPY_PROGRAM": str(program), "PYTHONPATH": readable_package(tmp_path)})
    assert done.stdout.startswith("4 Try: sudo gilspy")


def readable_package(folder):
    """A copy for those who may not read ours."""
    import shutil

    shutil.copytree(os.path.dirname(gilspy.__file__), folder / "lib" / "gilspy")
    return str(folder / "lib")


@pytest.mark.parametrize("ask, text", [
    (lambda: gilspy.stat(seconds=0), "more than 0"),
    (lambda: gilspy.stat(seconds=float("nan")), "more than 0"),
    (lambda: gilspy.dump(-1), "--pid"),
    (lambda: gilspy.record(rate="fast").start(), "--rate"),
    (lambda: gilspy.trace(format="png").start(), "png"),
])
def test_wrong_arguments(ask, text):
    with pytest.raises(ValueError, match=text):
        ask()


def test_no_result_before_the_end():
    run = gilspy.stat()
    with pytest.raises(gilspy.Error, match="no result yet"):
        run.result
    with pytest.raises(gilspy.Error, match="has not begun"):
        run.stop()
    with run, pytest.raises(gilspy.Error, match="begun already"):
        run.start()


def test_a_target_that_ends(target):
    with gilspy.record(target.pid, rate=500) as run:
        while gilspy.dump(target.pid).quality.samples != 1:
            pass
        target.kill()
        target.wait()
    assert run.result.run.pid == target.pid


def test_the_program_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("GILSPY_PROGRAM", str(tmp_path / "gilspy"))
    for ask in (gilspy.dump, gilspy.KnockKnock().start, gilspy.record().start):
        with pytest.raises(gilspy.ProgramNotFound, match=str(tmp_path)) as caught:
            ask()
        assert "pip install" in caught.value.mend


def test_the_program_cannot_be_run(monkeypatch, tmp_path):
    broken = tmp_path / "gilspy"
    broken.write_bytes(b"\x7fELF and nothing else")
    broken.chmod(0o755)
    monkeypatch.setenv("GILSPY_PROGRAM", str(broken))
    for ask in (gilspy.dump, gilspy.KnockKnock().start, gilspy.stat().start):
        with pytest.raises(gilspy.Failed, match="cannot be started"):
            ask()


def test_another_system(monkeypatch):
    from gilspy import _program

    monkeypatch.delenv("GILSPY_PROGRAM")
    monkeypatch.setattr(_program, "_found", None)
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(gilspy.ProgramNotFound, match="darwin"):
        gilspy.dump()


def test_a_program_that_ends_at_once(monkeypatch, tmp_path):
    """What it said is told."""
    script = tmp_path / "gilspy"
    script.write_text('#!/bin/sh\necho "gilspy: cannot do it: no. Try: something" >&2\nexit 1\n')
    script.chmod(0o755)
    from gilspy import _program

    monkeypatch.setattr(_program, "_is_text", lambda path: False)
    monkeypatch.setenv("GILSPY_PROGRAM", str(script))
    with pytest.raises(gilspy.Failed, match="cannot do it: no") as caught:
        gilspy.stat().start()
    assert (caught.value.status, caught.value.mend) == (1, "Try: something")


def test_yama(monkeypatch, tmp_path):
    """Where only parents may read, one's own descendants are let in before the child is there, and only meanwhile."""
    from gilspy import _yama

    scope, named = tmp_path / "ptrace_scope", []
    scope.write_text("1\n")
    monkeypatch.setattr(_yama, "SCOPE", str(scope))
    monkeypatch.setattr(_yama, "_set_ptracer", named.append)
    with gilspy.stat():
        gilspy.dump()
        assert named == [os.getpid()]
    assert named == [os.getpid(), 0]
    with pytest.raises(gilspy.Error):
        gilspy.dump(free_pid())
    assert named == [os.getpid(), 0] * 2
    scope.write_text("0\n")
    gilspy.dump()
    assert named == [os.getpid(), 0] * 2


def test_asking_in_turn_from_threads():
    with gilspy.stat() as run:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(run.now())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 8 and all(answer.pid == os.getpid() for answer in answers)


def test_importing_starts_nothing():
    script = ("import gilspy, threading, os; print(threading.active_count(), len(os.listdir('/proc/self/fd')), "
              "os.listdir('/proc/self/task/%d' % os.getpid()).count('children'), 'IPython' in __import__('sys').modules)")
    done = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.split() == ["1", "4", "1", "False"]


