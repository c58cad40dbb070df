"""What may happen around exact tracing: processes that end, run another program or fork; no rights; no registers left;
few descriptors. The words are clear, and what was seen is whole."""
import contextlib
import errno
import json
import os
import resource
import shutil
import signal

import pytest

import barriers
import gilspy
from target import AsNobody, running, until
from tracing import begun, few, guard_of, measuring, tracing, watch

CALLS = 100  # four times as many events fit into the ring of a thread
LOSING = 6  # so many times as many do not
CALLERS = ["call-0", "call-1", "call-2"]
PIPES = CALLERS + ["hold-0", "hold-1", "hold-2"]
FEW_FILES = ["sh", "-c", 'ulimit -n 110; exec "$@"', "sh"]  # too few for a watch on each processor

pytestmark = pytest.mark.usefixtures("watchable", "with_gil")
wanted = few


@pytest.fixture
def target(python, folders):
    with running(python, folders, "exact.py", str(CALLS), "1000", pipes=PIPES) as target:
        sleep(target)
        yield target


def rings_of(pid):
    with open("/proc/%d/maps" % pid) as file:
        return sum("perf_event" in line for line in file)


def state_of(pid):
    with open("/proc/%d/stat" % pid) as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def sleep(target):
    for name in PIPES:
        target.wait_reading(target.began["tids"][name], name)
    target.wait_idle()


def calls(target):
    for name in CALLERS:
        target.feed(name)
    sleep(target)


def test_the_process_ends(target, tmp_path):
    tids = target.began["tids"]
    with begun("trace", "--json", "-p", target.pid, "-o", tmp_path / "out.json", "--max-overhead", "off") as run:
        calls(target)
        target.process.kill()
        document = json.loads(run.wait().out)
    assert (document["events_lost"], document["violations"]) == (0, 0)
    with open(tmp_path / "out.json") as file:
        events = json.load(file)["traceEvents"]
    holds = [event for event in events if event["ph"] == "X" and event["name"] == "holds GIL"]
    assert len(holds) == len(CALLERS) * (CALLS + 1)
    assert len({event["tid"] for event in holds}) == len(CALLERS) and tids


def test_it_runs_another_program(target, tmp_path):
    """The addresses mean something else from then on: nothing of that is counted."""
    with begun("trace", "--json", "-p", target.pid, "-o", tmp_path / "out.json", "--max-overhead", "off") as run:
        calls(target)
        target.tell("become", "/bin/sleep", "60")
        document = json.loads(run.wait().out)
    assert "runs another program now" in run.said
    assert (document["events_lost"], document["violations"]) == (0, 0)


def test_it_forks(target):
    """A child has a GIL of its own at the same address: it is not traced."""
    with measuring(target.pid, "--max-overhead", "off") as document:
        child = target.ask("fork")["answer"]
        until(lambda: not os.path.exists("/proc/%d" % child), "the child to end")
        calls(target)
    assert (document["events_lost"], document["violations"]) == (0, 0)
    rows = {row["tid"]: row for row in document["threads"]}
    assert child not in rows
    assert all(rows[target.began["tids"][name]]["acquisitions"] == CALLS + 1 for name in CALLERS)


def test_few_descriptors(target):
    """A ring for each thread instead of each processor: as exact, but without the scheduler."""
    tids = target.began["tids"]
    with measuring(target.pid, "--max-overhead", "off", wrap=FEW_FILES) as document:
        assert rings_of(guard_of(document["of"])) == len(tids)
        calls(target)
    assert (document["events_lost"], document["violations"]) == (0, 0)
    rows = {row["tid"]: row for row in document["threads"]}
    assert all(rows[tids[name]]["acquisitions"] == CALLS + 1 for name in CALLERS)


def test_events_are_lost(python, target):
    """A gilspy that stands still cannot empty the ring of a thread: what is lost is counted to the single event, the
    time in which it was is left out, and what comes later is as exact as ever."""
    tids = target.began["tids"]
    with begun("stat", "--exact", "--json", "-d", "1h", "--max-overhead", "off", "--interval", "20ms", "-p", target.pid,
               wrap=FEW_FILES) as run:
        assert rings_of(guard_of(run.pid)) == len(tids)
        run.process.send_signal(signal.SIGSTOP)
        until(lambda: state_of(run.pid) == "T", "gilspy to stand still")
        target.feed("call-0", LOSING)
        sleep(target)
        run.process.send_signal(signal.SIGCONT)
        lines = [json.loads(run.process.stdout.readline())]
        while lines[-1]["method"] == "exact":
            lines.append(json.loads(run.process.stdout.readline()))
        while not 0 < lines[-1]["exact_seconds"] == lines[-1]["seconds"]:  # all rings are empty
            lines.append(json.loads(run.process.stdout.readline()))
        target.feed("hold-0")
        sleep(target)
        run.process.send_signal(signal.SIGINT)
        lines += [json.loads(line) for line in run.process.stdout]
        said = run.process.stderr.read()
        assert run.process.wait() == 0
    events, lost = (sum(line[key] for line in lines) for key in ("events", "events_lost"))
    takes = [sum(row["acquisitions"] for line in lines for row in line["threads"] if row["tid"] == tids[name])
             for name in ("call-0", "hold-0")]
    assert lost > 0 and "%d of %d events were lost" % (lost, events + lost) in said
    if python.version >= "3":  # on 2.7 a semaphore is watched, that more is done to
        assert events + lost == 2 * (LOSING * (CALLS + 1) + 1)
    assert takes[0] < LOSING * (CALLS + 1) and takes[1] == 1
    assert all(line["violations"] == 0 for line in lines)
    assert "events were lost" in lines[-1]["method_why"]
    assert sum(line["exact_seconds"] for line in lines) < sum(line["seconds"] for line in lines)


def test_too_few_descriptors(target):
    done = gilspy.run("stat", "--exact", "-d", "1", "-p", target.pid,
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16)))
    assert done.returncode == 1 and done.stdout == ""
    assert "descriptors, and gilspy may have" in done.stderr and "gilspy stat -p %d" % target.pid in done.stderr


def closed_by(number):
    """As in a container."""
    return barriers.filtered(errno.errorcode[number], "perf_event_open")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.ENOSYS])
def test_the_system_call_is_closed(target, number):
    """As in a container: which barrier it is, what lifts it, and what works meanwhile."""
    done = gilspy.run("stat", "--exact", "-d", "1", "-p", target.pid, wrap=closed_by(number))
    assert (done.returncode, done.stdout) == (4, "")
    with open("/proc/sys/kernel/perf_event_paranoid") as file:
        paranoid = int(file.read())
    if paranoid > 2 and number != errno.ENOSYS:
        assert "kernel.perf_event_paranoid is %d" % paranoid in done.stderr
    else:
        assert "perf_event_open is closed here (%s)" % os.strerror(number) in done.stderr
        assert "seccomp" in done.stderr
    assert "gilspy stat -p %d samples it, which works" % target.pid in done.stderr
    sampled = gilspy.run("stat", "-j", "-d", "100ms", "-p", target.pid, wrap=closed_by(number))
    assert sampled.returncode == 0 and json.loads(sampled.stdout)["method"] == "sampled"


def test_the_kernel_is_too_old(target):
    """Before Linux 5.13 the fields that keep watches from forked processes are not known."""
    done = gilspy.run("doctor", "-j", "-p", target.pid, wrap=closed_by(errno.EINVAL))
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert not checks["perf"]["ok"] and "takes Linux 5.13" in checks["perf"]["text"]
    assert not checks["process_watch"]["ok"]


def test_the_kernel_is_paranoid(root, target, tmp_path):
    """The system's own setting stays as it is: the file that tells it is another one for gilspy alone."""
    if not shutil.which("unshare"):
        pytest.skip("takes unshare")
    setting = tmp_path / "paranoid"
    setting.write_text("3\n")
    hide = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /proc/sys/kernel/perf_event_paranoid && exec "$@"', setting]
    done = gilspy.run("stat", "--exact", "-d", "1", "-p", target.pid, wrap=[*hide, *closed_by(errno.EACCES)])
    if "mount" in done.stderr:
        pytest.skip("cannot mount here: " + done.stderr)
    assert (done.returncode, done.stdout) == (4, "")
    assert "kernel.perf_event_paranoid is 3" in done.stderr
    assert "sudo sysctl kernel.perf_event_paranoid=2" in done.stderr and "samples it, which works" in done.stderr


@contextlib.contextmanager
def watched(target, count):
    """So many debug registers of each thread are somebody else's."""
    with open("/proc/%d/maps" % target.pid) as file:
        address = next(int(line.split("-")[0], 16) for line in file if " rw-p " in line)
    tids = [int(tid) for tid in os.listdir("/proc/%d/task" % target.pid)]
    fds = []
    try:
        for tid in tids:
            fds += [watch(tid, address + 4 * i) for i in range(count)]
        yield
    finally:
        for fd in fds:
            os.close(fd)


def test_all_registers_are_a_debuggers(target):
    with watched(target, 4):
        done = gilspy.run("stat", "--exact", "-d", "1", "-p", target.pid)
    assert (done.returncode, done.stdout) == (1, "")
    assert "its debug registers are in use" in done.stderr and "samples it, which works" in done.stderr
    assert gilspy.run("stat", "--exact", "-d", "1ms", "-p", target.pid).returncode == 0


def test_one_register_is_left(target):
    """Takes and drops need one: only who waits is not seen then, and that is said."""
    tids = target.began["tids"]
    with watched(target, 3), measuring(target.pid, "--max-overhead", "off") as document:
        calls(target)
    assert "waits are not seen, only who has the GIL" in document["said"]
    assert (document["events_lost"], document["violations"]) == (0, 0)
    rows = {row["tid"]: row for row in document["threads"]}
    assert all(rows[tids[name]]["acquisitions"] == CALLS + 1 for name in CALLERS)


def test_nothing_stays_behind(target, tmp_path):
    """Whoever is killed leaves no watch."""
    for _ in range(3):
        with begun("trace", "-p", target.pid, "-o", tmp_path / "out.json") as run:
            run.process.kill()
            run.process.wait()
    with measuring(target.pid, "--max-overhead", "off") as document:
        calls(target)
    assert (document["events_lost"], document["violations"]) == (0, 0)
    rows = {row["tid"]: row for row in document["threads"]}
    assert all(rows[target.began["tids"][name]]["acquisitions"] == CALLS + 1 for name in CALLERS)


def test_another_user(root, target, program):
    done = gilspy.run("stat", "--exact", "-d", "1", "-p", target.pid, wrap=barriers.user(), program=program)
    assert done.returncode == 4 and "another user" in done.stderr and done.stdout == ""


def test_unprivileged(root, python, folders, program):
    """No root: a user and its own process."""
    if python.root or "/root/" in python.path:
        pytest.skip("this Python is root's alone")
    with open("/proc/sys/kernel/perf_event_paranoid") as file:
        if int(file.read()) > 2:
            pytest.skip("kernel.perf_event_paranoid is above 2")
    with running(python, folders, "exact.py", str(CALLS), "1000", pipes=PIPES, kind=AsNobody) as target:
        sleep(target)
        with measuring(target.pid, "--max-overhead", "off", wrap=barriers.user(), program=program) as document:
            calls(target)
    assert (document["method"], document["events_lost"], document["violations"]) == ("exact", 0, 0)
    rows = {row["tid"]: row for row in document["threads"]}
    assert all(rows[target.began["tids"][name]]["acquisitions"] == CALLS + 1 for name in CALLERS)
