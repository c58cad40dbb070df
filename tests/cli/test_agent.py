"""gilspy agent: which processes it finds, and what it makes of them."""
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request

import pytest

import engines
import gilspy
from engines import fields
from target import running, until
from test_errors import check_failure
from test_push import profile_times, series, stub

OPEN_METRICS = "application/openmetrics-text"
WILD = 'a"b\\c\n{d="1"} ü\x1b'
COUNTERS = {"cpython_gil_held_seconds_total", "cpython_gil_wait_seconds_total", "cpython_gil_contended_seconds_total",
            "cpython_gil_switches_total"}
GAUGES = {"cpython_gil_waiters", "cpython_gil_longest_hold_seconds", "cpython_threads"}


@pytest.fixture
def mark(request):
    """A word in the command lines of this test's processes alone: the agent is to leave all others in peace."""
    return "gilspy-test-%d-%s" % (os.getpid(), re.sub(r"\W", "-", request.node.name))


def python(system_python, folders, mark, *words, **options):
    return running(system_python, folders, "states.py", *words, mark, **options)


def agent(mark, *words):
    return gilspy.begun("agent", "--name", mark, *words)


def ended(process):
    """It flushes in 5 s at most: what it said, and that it ended well."""
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


def holds_open(pid, target):
    """Whether a process has a file of another's in /proc open."""
    folder = f"/proc/{pid}/fd"
    links = [os.readlink(f"{folder}/{name}") for name in os.listdir(folder) if os.path.lexists(f"{folder}/{name}")]
    return any(link.startswith(f"/proc/{target}/") for link in links)


def of_pid(server, pid):
    """Begin and end of each profile of a process, in ns."""
    with server.lock:
        got = [series(body) for _, _, body in server.got]
    times = [profile_times(pprof) for labels, pprof in got if labels["pid"] == str(pid)]
    return sorted((begin, begin + lasted) for begin, lasted in times)


@pytest.mark.slow
def test_births_and_ends(system_python, folders, mark):
    """Who is there, who comes and who goes: each has spans that follow each other, up to its end."""
    with stub(200) as server, python(system_python, folders, mark, "spin", pipes=["begin"]) as first, \
            agent(mark, "-r", 50, "--push", "pyroscope+" + server.address, "--every", "1s", "--label", "env=test") as process:
        until(lambda: of_pid(server, first.pid), "the first one's profile")
        with python(system_python, folders, mark, "spin", pipes=["begin"]) as second:
            until(lambda: of_pid(server, second.pid), "the second one's")
            gone, known = second.pid, len(of_pid(server, second.pid))
        until(lambda: len(of_pid(server, gone)) > known, "the last of who has ended")
        assert ended(process) == ""
        for pid in (first.pid, gone):
            spans = of_pid(server, pid)
            assert all(before[1] == after[0] for before, after in zip(spans, spans[1:]))
        labels, _ = series(server.got[0][2])
        assert (labels["service_name"], labels["env"]) == ("states", "test")


class Figures:
    """A page of figures: name and labels -> value."""
    def __init__(self, url, accept=OPEN_METRICS):
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept})) as answer:
            self.kind, self.text = answer.headers["Content-Type"], answer.read().decode()
        self.values = {}
        for line in self.text.splitlines():
            if not line.startswith("#"):
                name, labels, value = re.fullmatch(r'([a-z_]+)(\{.*\})? ([0-9.]+)', line).groups()
                assert (name, labels) not in self.values
                self.values[name, labels] = float(value)

    def of(self, pid):
        """Name -> sum of what it has of a process."""
        sums = {}
        for (name, labels), value in self.values.items():
            if labels and f'pid="{pid}"' in labels:
                sums[name] = sums.get(name, 0) + value
        return sums


def where(process):
    return re.fullmatch(r"gilspy: figures are at (http://127\.0\.0\.1:\d+/metrics)\n", process.stderr.readline())[1]


def figures_of(url, pid, enough_s):
    """Once it was watched for so long."""
    def look():
        page = Figures(url)
        return page if page.of(pid).get("gilspy_watched_seconds_total", 0) >= enough_s else None
    return until(look, "figures")


@pytest.mark.parametrize("pushes", (False, True))
@pytest.mark.slow
def test_loops(system_python, folders, pushes):
    """One loop stands in a callback, one waits; with the stacks of all threads and without."""
    with stub(200) as server, running(system_python, folders, "tasks.py", "kept", "still", pipes=["park"]) as target:
        target.wait_reading(target.began["tids"]["kept"], "park")
        push = ["--push", "pyroscope+" + server.address, "--every", "1s", "--tasks"] if pushes else []
        with open(f"/proc/{target.pid}/cmdline") as file:
            script = next(word for word in file.read().split("\0") if word.endswith("tasks.py"))
        with agent(script, "-r", 19, "--listen", "127.0.0.1:0", *push) as process:
            url = where(process)
            longest = until(lambda: Figures(url).of(target.pid).get("cpython_event_loop_longest_callback_seconds", 0),
                            "a callback that was seen twice")
            own = figures_of(url, target.pid, longest + 0.5).of(target.pid)
            assert own["cpython_event_loop_busy_seconds_total"] >= own["cpython_event_loop_longest_callback_seconds"] >= longest
            assert own["cpython_event_loop_busy_seconds_total"] < 1.5 * own["gilspy_watched_seconds_total"] and own["cpython_tasks"] > 20
            ended(process)
        assert not pushes or any(b"Task-" in series(body)[1] for _, _, body in server.got)


def check_page(page, open_metrics):
    tool = engines.program("promtool")
    done = subprocess.run([tool, "check", "metrics"], input=page, capture_output=True, encoding="utf-8")
    assert open_metrics or (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert page.endswith("# EOF\n") == open_metrics


def test_figures(system_python, folders, mark, tmp_path):
    """As OpenMetrics and as text, by hand and in a file; nothing that a process is called breaks a line."""
    with python(system_python, folders, mark, "spin", pipes=["begin"], env={"OTEL_SERVICE_NAME": WILD}) as target, \
            agent(mark, "-r", 100, "--listen", "127.0.0.1:0", "--textfile", tmp_path, "--every", "1s") as process:
        url = where(process)
        page = figures_of(url, target.pid, 0.3)
        assert page.kind == OPEN_METRICS + "; version=1.0.0; charset=utf-8"
        own = page.of(target.pid)
        assert COUNTERS | GAUGES <= set(own)
        assert 'service="a\\"b\\\\c\\\\x0a{d=\\"1\\"} ü\\\\x1b"' in page.text
        assert own["cpython_threads"] >= 2 and own["cpython_gil_held_seconds_total"] > 0
        later = figures_of(url, target.pid, own["gilspy_watched_seconds_total"] + 0.2).of(target.pid)
        assert all(later[name] >= own[name] for name in COUNTERS)
        for name in COUNTERS:
            family = name.removesuffix("_total")
            assert re.search(f"^# HELP {family} [A-Z].*\\.$", page.text, re.M) and f"\n# TYPE {family} counter" in "\n" + page.text
            assert ("seconds" not in name) or f"# UNIT {family} seconds" in page.text
        plain = Figures(url, "text/plain")
        assert plain.kind == "text/plain; version=0.0.4; charset=utf-8" and "# TYPE cpython_gil_held_seconds_total counter" in plain.text
        check_page(page.text, True)
        check_page(plain.text, False)
        until(lambda: f'pid="{target.pid}"' in (tmp_path / "gilspy.prom").read_text(), "the file")
        check_page((tmp_path / "gilspy.prom").read_text(), False)
        assert os.listdir(tmp_path) == ["gilspy.prom"]
        health = url.replace("/metrics", "/healthz")
        with urllib.request.urlopen(health) as answer:
            assert answer.read() == b"ok\n"
        for path, status, body in (("/metrics", 405, b"x"), ("/x", 404, None)):
            with pytest.raises(urllib.error.HTTPError) as failed:
                urllib.request.urlopen(url.replace("/metrics", path), data=body)
            assert failed.value.code == status
            failed.value.close()
        assert ended(process) == ""


@pytest.mark.slow
def test_truth(system_python, folders, mark):
    """The share of a program that knows it."""
    with running(system_python, folders, "truth.py", mark) as target, \
            agent(mark, "-r", 200, "--listen", "127.0.0.1:0") as process:
        url = where(process)

        def counted():
            """What was held, in shares of the time: as counted, and in truth. None: most of it was missed, the machine is busy."""
            before = figures_of(url, target.pid, 0.01).of(target.pid)
            held, longest, lasted = target.ask("hold", 20, 40, 60, True)["answer"]
            after = Figures(url).of(target.pid)
            watched, counted = (after[name] - before[name] for name in ("gilspy_watched_seconds_total", "cpython_gil_held_seconds_total"))
            assert after["cpython_gil_longest_hold_seconds"] <= longest + 0.1
            return (counted / watched, held / lasted) if watched > 0.9 * lasted else None
        share, truth = until(counted, "a time that was watched")
        assert abs(share - truth) <= 0.15
        ended(process)


WALKS = """
import select, sys, threading, time
spent = {"one": 0, "two": 0, "three": 0}
def one():
    select.select([], [], [], 0.03)
def two():
    time.sleep(0.03)
def three():
    time.sleep(0.06)
def walk():
    while True:
        for place in (one, two, three):
            began = time.monotonic()
            place()
            spent[place.__name__] += time.monotonic() - began
threading.Thread(target=walk, daemon=True).start()
for _ in sys.stdin:
    print(spent["two"], spent["three"], flush=True)
"""


def numbers(packed):
    found, at = [0], 0
    for byte in packed:
        found[-1] |= (byte & 127) << at
        at += 7
        if byte < 128:
            found.append(0)
            at = 0
    return found[:-1]


def wall_ns(pprof):
    """Of the first type, by the innermost function."""
    tables, sums = {number: [] for number in (2, 4, 5, 6)}, {}
    for number, value in fields(pprof):
        tables.get(number, []).append(value if number == 6 or not isinstance(value, bytes) else dict(fields(value)))
    names = {function[1]: tables[6][function[2]].decode() for function in tables[5]}
    places = {location[1]: names[dict(fields(location[4]))[1]] for location in tables[4]}
    for sample in tables[2]:
        name = places[numbers(sample[1])[0]]
        sums[name] = sums.get(name, 0) + numbers(sample[2])[0]
    return sums


@pytest.mark.slow
def test_places(mark):
    """A thread that only sleeps, now here, now there, twice in the same way: each place has the time that it has in truth."""
    with stub(200) as server, subprocess.Popen(["/usr/bin/python3", "-c", WALKS, mark], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                               encoding="utf-8") as target:
        def truth():
            target.stdin.write("\n")
            target.stdin.flush()
            return [float(word) for word in target.stdout.readline().split()]

        def seen():
            with server.lock:
                got = [wall_ns(series(body)[1]) for _, _, body in server.got]
            sums = [sum(each.get(name, 0) for each in got) for name in ("two", "three")]
            return sums if sum(sums) > 3e9 else None
        with agent(mark, "-r", 50, "--push", "pyroscope+" + server.address, "--every", "1s") as process:
            until(lambda: server.got, "the first profile")
            before = truth()
            two, three = until(seen, "some seconds")
            lasted = [after - began for after, began in zip(truth(), before)]
            ended(process)
        assert abs(two / (two + three) - lasted[0] / sum(lasted)) <= 0.15
        target.stdin.close()


@pytest.mark.slow
def test_prometheus(system_python, folders, mark, tmp_path):
    """The real one asks, and gives back what it was told."""
    with python(system_python, folders, mark, "spin", pipes=["begin"], env={"OTEL_SERVICE_NAME": WILD}) as target, \
            agent(mark, "--listen", "127.0.0.1:0") as process:
        address = where(process).split("/")[2]
        with engines.prometheus(tmp_path, address) as ask:
            query = f'cpython_gil_held_seconds_total{{pid="{target.pid}"}} > 0'
            [result] = until(lambda: ask(query), "what Prometheus was told")
            assert result["metric"]["service"] == 'a"b\\c\\x0a{d="1"} ü\\x1b'
            [up] = ask("up")
            assert up["value"][1] == "1"
        ended(process)


@pytest.mark.skipif(os.getuid() != 0, reason="takes root: another user looks")
def test_told_once(system_python, folders, mark):
    """Who cannot be read is told of once; it is tried again and again meanwhile."""
    with python(system_python, folders, mark, "spin", pipes=["begin"]) as target, stub(200) as server, \
            gilspy.begun("agent", "--name", mark, "--push", "pyroscope+" + server.address, user=65534, extra_groups=[]) as process:
        assert f"process {target.pid}" in process.stderr.readline()
        with python(system_python, folders, mark, "spin", pipes=["begin"]) as other:
            assert f"process {other.pid}" in process.stderr.readline()
        assert ended(process) == "" and server.got == []


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="takes root and setpriv")
@pytest.mark.parametrize("capabilities, waits", [("+sys_ptrace,+dac_read_search", True), ("+sys_ptrace", False)])
def test_capabilities(system_python, folders, mark, capabilities, waits):
    """Two of them are enough to see all of another user's process; with one alone it is told what is missing."""
    only = "-all," + capabilities
    with python(system_python, folders, mark, "spin", pipes=["begin"], env={"OTEL_SERVICE_NAME": "shop"}) as target, subprocess.Popen(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={only}", f"--ambient-caps={only}",
             f"--bounding-set={only}", "--no-new-privs", gilspy.PROGRAM, "agent", "--name", mark, "--listen", "127.0.0.1:0"],
            stderr=subprocess.PIPE, encoding="utf-8") as process:
        try:
            page = figures_of(where(process), target.pid, 0.1)
            assert ('service="shop"' in page.text) == waits
            told = ended(process)
            assert told == "" if waits else f"of process {target.pid}" in told and "CAP_DAC_READ_SEARCH" in told
        finally:
            process.kill()


def test_stat(system_python, folders, mark):
    """Figures that have to be asked for: who had the GIL and made others wait, by group of threads; collections."""
    with python(system_python, folders, mark, "spin", pipes=["begin"]) as target, \
            agent(mark, "-r", 100, "--listen", "127.0.0.1:0", "--stat") as process:
        page = figures_of(where(process), target.pid, 0.3)
        own = page.of(target.pid)
        groups = {name: re.findall(r'%s_total{[^}]*pid="%d",thread="' % (name, target.pid), page.text)
                  for name in ("cpython_thread_gil_held_seconds", "cpython_thread_gil_delay_seconds", "cpython_thread_runnable_seconds")}
        assert all(groups.values()) and len({len(each) for each in groups.values()}) == 1
        assert 0 < own["cpython_thread_gil_held_seconds_total"] <= own["cpython_thread_runnable_seconds_total"]
        assert own["cpython_thread_gil_held_seconds_total"] <= 1.1 * own["gilspy_watched_seconds_total"]
        assert own["cpython_gc_seconds_total"] >= 0 and own["cpython_gc_collections_total"] >= 0
        check_page(page.text, True)
        ended(process)


def test_usage(mark):
    check_failure(gilspy.run("agent"), 2, "cannot watch: nothing is to be done")
    check_failure(gilspy.run("agent", "--listen", "nowhere"), 2, "cannot listen at 'nowhere'")
    check_failure(gilspy.run("agent", "--listen", "192.0.2.1:1"), 1, "cannot listen at 192.0.2.1:1: ")
    check_failure(gilspy.run("agent", "--push", "x", "--name", mark), 2, "cannot push to 'x'")
    check_failure(gilspy.run("agent", "--listen", ":0", "-u", "no-such-user"), 2, "cannot watch: there is no user")
    check_failure(gilspy.run("agent", "--listen", ":0", "--locks"), 2, "--locks is for what is sent with --push, and for --stat")
    check_failure(gilspy.run("agent", "--push", "pyroscope+http://h", "--stat"), 2, "--stat is for figures")
    check_failure(gilspy.run("agent", "--listen", ":0", "--tasks"), 2, "--tasks is for what is sent with --push")
    check_failure(gilspy.run("agent", "--textfile", "/nowhere"), 1, "/nowhere/gilspy.prom")


CONFIG = """# what a service has
name = ["%s",   # a list may go on
        'gunicorn "x"', ]
rate = 5_0
listen = "127.0.0.1:0"
max-memory = "100M"
nonblocking = true
verbose = false
"""


def test_config(mark, tmp_path):
    """What the file says is TOML, and is checked like a command line, which has the last word."""
    file = tmp_path / "agent.toml"

    def said(text, *words):
        file.write_text(text)
        return gilspy.run("agent", "--config", file, "--check-config", *words)
    good = said(CONFIG % mark)
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    check_failure(said(CONFIG % mark, "--listen", "x", "--rate", "max"), 2, "the rate of an agent has a limit")
    for text, word in (('rte = 1', "line 1 of .*: .*no option --rte. Did you mean --rate"), ('\n\nrate = "x"', "line 3 .*--rate cannot be 'x'"),
                       ("[agent]\n", "line 1 .*no tables"), ("rate 19", "there is no ="), ("rate = 19 x", "more behind"),
                       ('push = "x', "no end"), ("rate =", "value is missing"), ("name = [1 2]", "comma"), ("pid = 1", "does not take --pid"),
                       ('config = "x"', "config"), (r'name = "\u0041"', "behind a backslash"), ("name = [", "missing")):
        failed = said(text)
        check_failure(failed, 2, str(file))
        assert re.search(word, failed.stderr), failed.stderr
    check_failure(gilspy.run("agent", "--config", tmp_path / "nothing"), 1, "nothing: No such file")


def test_reload(system_python, folders, mark, tmp_path):
    """HUP has the file read again; one that is wrong changes nothing. What is told are JSON lines."""
    file = tmp_path / "agent.toml"
    file.write_text('name = "%s-none"\nlisten = "127.0.0.1:0"\nlog = "json"' % mark)
    with python(system_python, folders, mark, "spin", pipes=["begin"]) as target, gilspy.begun("agent", "--config", file) as process:
        def told():
            line = json.loads(process.stderr.readline())
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z", line["time"])
            return line["level"], line["message"]
        url = re.search(r"http://\S+", told()[1])[0]
        file.write_text("rate = no")
        process.send_signal(signal.SIGHUP)
        level, text = told()
        assert level == "error" and "line 1" in text and told() == ("info", "all goes on as before")
        file.write_text('name = "%s"\nlisten = "127.0.0.1:0"\nrate = 7\nlog = "json"' % mark)
        process.send_signal(signal.SIGHUP)
        assert f"as {file} says now" in told()[1]
        assert figures_of(url, target.pid, 0.1).values["gilspy_rate_hertz", None] == 7
        file.write_text('name = "%s"\nexclude = "states.py"\nlisten = "127.0.0.1:0"\nlog = "json"' % mark)
        process.send_signal(signal.SIGHUP)
        assert f"as {file} says now" in told()[1]
        until(lambda: not holds_open(process.pid, target.pid), "that it is let go")
        ended(process)


@pytest.mark.slow
def test_spool(system_python, folders, mark, tmp_path):
    """The server is away: profiles wait on disk, outlive even a kill, and are sent in order with their own times."""
    spool = tmp_path / "spool"

    def spooled():
        return [name for name in os.listdir(spool) if name.endswith(".profile")] if spool.exists() else []
    with python(system_python, folders, mark, "spin", pipes=["begin"]) as target:
        with stub(503) as away, agent(mark, "-r", 50, "--push", "pyroscope+" + away.address, "--every", "1s", "--spool", spool) as process:
            until(lambda: len(spooled()) >= 2, "profiles on disk")
            address, kept = away.server_address, len(spooled())
            assert "cannot be pushed to: status 503" in process.stderr.readline()
            other = gilspy.run("agent", "--name", mark, "--push", "pyroscope+" + away.address, "--spool", spool)
            check_failure(other, 1, "another gilspy does")
            process.kill()
            process.wait()
        (spool / "growing").write_bytes(b"half")
        (spool / ("%020d.profile" % 0)).write_bytes(b"no profile")
        with stub(200) as server, gilspy.begun("agent", "--name", mark + "-nobody", "--push", "pyroscope+" + server.address, "--spool",
                                               f"{spool},1M") as process:
            until(lambda: not os.listdir(spool), "the disk to be empty")
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
            assert process.returncode == 0 and "1 of " in said  # that which was none
            assert address and len(server.got) >= kept - 1
            began = [profile_times(series(body)[1])[0] for _, _, body in server.got]
            spans = of_pid(server, target.pid)
            assert began == sorted(began) and all(before[1] == after[0] for before, after in zip(spans, spans[1:]))


@pytest.mark.slow
def test_stuck(system_python, folders, mark, monkeypatch):
    """A process at which the kernel does not answer is left out; the other one has its profiles, and the end is as ever."""
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")  # which would wait for the thread that is stuck
    with stub(200) as server, python(system_python, folders, mark, "spin", pipes=["begin"]) as other, \
            running(system_python, folders, "stuck.py", "names", mark, pipes=["begin"]) as target, \
            agent(mark, "-r", 50, "--push", "pyroscope+" + server.address, "--every", "1s") as process:
        target.wait_reading(target.began["tids"]["lost"], "begin")
        said = [process.stderr.readline() for _ in range(2)]
        assert said[0].startswith(f"gilspy: the kernel does not answer: process {target.pid}, reading its memory")
        assert said[1] == f"gilspy: cannot sample process {target.pid} any longer\n"
        known = len(of_pid(server, other.pid))
        until(lambda: len(of_pid(server, other.pid)) > known + 1, "more profiles of the other one")
        assert ended(process) == ""


@pytest.mark.slow
def test_silent_server(system_python, folders, mark, tmp_path):
    """Whoever never answers keeps it from ending for a moment: what was sampled is on disk for the next one."""
    spool = tmp_path / "spool"
    with python(system_python, folders, mark, "spin", pipes=["begin"]) as target, stub(lambda handler: handler.server.ended.wait(60)) as server:
        with agent(mark, "-r", 50, "--push", "pyroscope+" + server.address, "--every", "1s", "--spool", spool) as process:
            assert server.asked.wait(60)
            said = ended(process)
        kept = len(os.listdir(spool))
        assert kept > 0 and said.endswith(f"{kept} profiles wait in {spool} for the next gilspy\n")
        with stub(200) as other, gilspy.begun("agent", "--name", mark + "-nobody", "--push", "pyroscope+" + other.address, "--spool", spool) as process:
            until(lambda: not os.listdir(spool), "the disk to be empty")
            assert ended(process) == ""
        spans = of_pid(other, target.pid)
        assert len(spans) == kept and all(before[1] == after[0] for before, after in zip(spans, spans[1:]))


@pytest.mark.slow
def test_slow_disk(system_python, folders, mark, tmp_path, monkeypatch):
    """A disk that never comes back (a FIFO that nobody reads) keeps it neither from sampling nor from ending: it tells what is lost."""
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")  # which would wait for the thread that is stuck
    spool = tmp_path / "spool"
    with python(system_python, folders, mark, "spin", pipes=["begin"]) as target, stub(200, 503) as server, \
            agent(mark, "-r", 50, "--push", "pyroscope+" + server.address, "--every", "1s", "--spool", spool, "--listen", "127.0.0.1:0") as process:
        url = where(process)
        until(lambda: of_pid(server, target.pid), "a profile")
        os.mkfifo(spool / "growing")
        assert "cannot be pushed to: status 503" in process.stderr.readline()
        seen = Figures(url).of(target.pid)["gilspy_watched_seconds_total"]
        figures_of(url, target.pid, seen + 1.5)
        assert " profiles, of " in ended(process) and os.listdir(spool) == ["growing"]


@pytest.mark.slow
def test_disk_that_takes_nothing(system_python, folders, mark, tmp_path):
    """As a full one: what cannot be written waits in memory, and is sent."""
    spool = tmp_path / "spool"
    with python(system_python, folders, mark, "spin", pipes=["begin"]) as target, stub(503, 503, 200) as server, \
            agent(mark, "-r", 50, "--push", "pyroscope+" + server.address, "--every", "1s", "--spool", spool) as process:
        until(spool.exists, "the spool")
        shutil.rmtree(spool)
        assert "cannot be pushed to: status 503" in process.stderr.readline()
        assert process.stderr.readline().endswith(": none was lost\n")
        until(lambda: len(of_pid(server, target.pid)) > 4, "what waited, and more")
        assert ended(process) == ""
        spans = of_pid(server, target.pid)[2:]  # of the first the stub has both tries
        assert all(before[1] == after[0] for before, after in zip(spans, spans[1:]))
