"""Running gilspy, and what every document of it must fulfil."""
import contextlib
import json
import os
import subprocess

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(SOURCE, os.environ.get("BUILD", "build"), "gilspy")
WORDS = {"holds", "waits", "without", "none", "unknown"}
THREAD = {"tid", "ns_tid", "ident", "name", "main", "interpreters", "gil", "evidence", "runnable", "syscall", "frames"}
FRAME = {"kind", "function", "qualname", "file", "line", "module", "locals"}
GIL = {"state", "holder", "waiters", "switches", "interval_us", "drop_requested"}
QUALITY = {"samples", "skipped", "refused", "torn", "retried", "stopped", "stopped_us", "stopped_in_syscall", "late", "lost", "took_us",
           "cpu_us"}


def run(*args, wrap=(), program=PROGRAM, **options):
    """Runs gilspy to its end; the result has returncode, stdout and stderr as text."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "timeout": 180,
               "encoding": "utf-8", **options}
    return subprocess.run([*wrap, program, *map(str, args)], **options)


@contextlib.contextmanager
def begun(*words, **options):
    """gilspy as it runs; it does not outlive the block."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
    process = subprocess.Popen([PROGRAM, *map(str, words)], encoding="utf-8", **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def dump(pid, *args, wrap=(), program=PROGRAM):
    """A dump as its JSON document, checked for what holds for every one."""
    done = run("dump", "--json", "-p", pid, *args, wrap=wrap, program=program)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    check(document)
    return document


def check(document):
    assert set(document) - {"loops"} == {"schema", "gilspy", "time", "process", "interpreters", "threads", "quality"}
    assert document["schema"] == 1
    assert set(document["quality"]) == QUALITY and document["quality"]["samples"] == 1
    threads, gils = document["threads"], [interpreter["gil"] for interpreter in document["interpreters"]]
    assert threads and all(set(gil) == GIL for gil in gils)
    for thread in threads:
        assert set(thread) - {"loop", "other_loops"} == THREAD
        assert thread["gil"] in WORDS and thread["evidence"] in ("exact", "inferred")
        for frame in thread["frames"]:
            assert set(frame) - {"inferred"} == FRAME and frame["kind"] in ("python", "gap", "native", "gc")
            assert (frame["module"] is not None) == (frame["kind"] == "native")
    for word, listed in (("holds", [gil["holder"] for gil in gils if gil["holder"]]),
                         ("waits", [tid for gil in gils for tid in gil["waiters"]])):
        assert {thread["tid"] for thread in threads if thread["gil"] == word} == set(listed)
    for gil in gils:
        assert (gil["holder"] is None) or gil["state"] == "held"
    tids = [thread["tid"] for thread in threads]
    # Only where it is not known which thread runs a state, the thread whose id it bears has another row.
    rows = [(thread["tid"], thread["gil"] == "unknown" and tuple(thread["interpreters"])) for thread in threads]
    assert len(set(rows)) == len(rows)
    assert [thread["main"] for thread in threads] == [True] + [False] * (len(threads) - 1)
    assert tids[1:] == sorted(tids[1:])


def threads_by_name(document):
    named = {thread["name"]: thread for thread in document["threads"]}
    assert len(named) == len(document["threads"])
    return named
