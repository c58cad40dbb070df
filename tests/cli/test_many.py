"""What a user meets who asks about many processes at once: --name, --cgroup, tables of all, dump --merge."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

import gilspy
from target import READ, until

PYTHON = "/usr/bin/python3"
WAITS = "import sys\nprint(flush=True)\nsys.stdin.readline()\n"


def reads(pid):
    with open("/proc/%d/syscall" % pid) as file:
        return file.read().split()[0] == str(READ)


@pytest.fixture
def family(tmp_path):
    """family(source, count, environment): so many processes of a script of a name of its own, which is returned with
    them, when each has printed a line and waits for the answer."""
    begun = []

    def begin(source=WAITS, count=1, name="many-%d.py" % os.getpid(), environment=lambda i: {}):
        script = tmp_path / name
        script.write_text(source)
        members = [subprocess.Popen([PYTHON, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    env={**os.environ, **environment(i)}) for i in range(count)]
        begun.extend(members)
        for member in members:
            assert member.stdout.readline()
            until(lambda pid=member.pid: reads(pid), "it to wait")
        return name, [member.pid for member in members]
    yield begin
    for member in begun:
        member.kill()
        member.communicate()


# ---- who is meant ----

@pytest.mark.parametrize("command", [["dump"], ["why", "-d", "100ms"], ["stat", "-d", "100ms"]])
def test_by_name(family, command):
    name, pids = family(count=2)
    done = gilspy.run(*command, "--json", "--name", name)
    assert (done.returncode, done.stderr) == (0, "")
    documents = json.loads(done.stdout)["processes"]
    assert sorted(one["process"]["pid"] if "process" in one else one["pid"] for one in documents) == sorted(pids)


def test_one_that_was_found_is_a_list_too(family):
    name, [pid] = family()
    done = gilspy.run("dump", "--json", "--name", name)
    assert [one["process"]["pid"] for one in json.loads(done.stdout)["processes"]] == [pid]


def test_ps_of_a_name(family):
    name, pids = family(count=2)
    rows = json.loads(gilspy.run("ps", "--json", "--name", name[:-3] + ".*").stdout)["processes"]
    assert sorted(row["pid"] for row in rows) == sorted(pids)


def test_who_is_no_python_is_passed_over(family, tmp_path):
    """A shell has the script in its command line, too."""
    name, pids = family(count=1)
    with subprocess.Popen(["/bin/sh", "-c", "echo; read line # " + name], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as shell:
        shell.stdout.readline()
        done = gilspy.run("dump", "--json", "--name", name)
        alone = gilspy.run("dump", "--name", "read line # " + name)
        shell.kill()
    assert (done.returncode, done.stderr) == (0, "")
    assert [one["process"]["pid"] for one in json.loads(done.stdout)["processes"]] == pids
    assert alone.returncode == 5 and "what was found is no Python" in alone.stderr and alone.stdout == ""


def test_nobody_is_found():
    done = gilspy.run("dump", "--name", "nobody-is-called-[l]ike-this")
    assert done.returncode == 3 and done.stdout == ""
    assert done.stderr.startswith("gilspy: there is no process with 'nobody-is-called-[l]ike-this' in its command line")


def test_by_cgroup(family):
    _, [pid] = family()
    with open("/proc/%d/cgroup" % pid) as file:
        path = file.readline().rstrip("\n").split(":", 2)[2]
    done = gilspy.run("ps", "--json", "--cgroup", path)
    assert done.returncode == 0 and pid in [row["pid"] for row in json.loads(done.stdout)["processes"]]
    done = gilspy.run("ps", "--cgroup", "/there/is/no/such/cgroup")
    assert done.returncode == 3 and "in the cgroup /there/is/no/such/cgroup" in done.stderr


# ---- ps ----

SPAWNS = """import multiprocessing, sys
def work(out, back):
    out.send(1)
    back.recv()
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    (read, out), (back, write) = context.Pipe(False), context.Pipe(False)
    child = context.Process(target=work, args=(out, back), daemon=True)
    child.start()
    read.recv()
    print(flush=True)
    sys.stdin.readline()
"""


def test_workers_are_named_by_what_they_run(family):
    name, [pid] = family(SPAWNS)
    listed = json.loads(gilspy.run("ps", "--json").stdout)["processes"]
    below = {row["role"]: row["pid"] for row in listed if row["parent"] == pid}
    assert set(below) == {"multiprocessing worker of " + name, "multiprocessing tracker of " + name}
    assert [row["role"] for row in listed if row["pid"] == pid] == [name + ", master"]
    pids = [below["multiprocessing worker of " + name], pid]
    done = gilspy.run("ps", "--tree", "-p", "%d,%d" % tuple(pids))
    first, second = done.stdout.splitlines()[1:]
    assert first.split()[0] == str(pid) and first.endswith(name)
    assert second.split()[0] == str(pids[0]) and second.endswith("  multiprocessing worker of " + name)
    assert second.index("multiprocessing") == first.index(PYTHON) + 2
    assert "spawn_main" in gilspy.run("ps", "-v", "-p", "%d,%d" % tuple(pids)).stdout


@pytest.mark.parametrize("program, engine", [("pypy3.10", "PyPy"), ("graalpy", "GraalPy")])
def test_other_pythons_are_told_by_name(tmp_path, program, engine):
    fake = shutil.copy("/bin/sleep", tmp_path / program)
    with subprocess.Popen([fake, "600"]) as target:
        try:
            until(lambda: os.readlink("/proc/%d/exe" % target.pid) == str(fake), "it to run")
            row, = [row for row in json.loads(gilspy.run("ps", "--json").stdout)["processes"] if row["pid"] == target.pid]
            done = gilspy.run("dump", "-p", target.pid)
        finally:
            target.kill()
    said = "process %d (%s) runs %s, and only CPython can be read" % (target.pid, program, engine)
    assert (row["python"], row["watchable"], row["why_not"]) == (engine, False, said)
    assert done.returncode == 5 and done.stderr.startswith("gilspy: " + said)


# ---- why ----

def rows(text):
    """The cells of the table that a text begins with."""
    table = text.split("\n\n")[0].splitlines()
    return [re.split("  +", row.strip()) for row in table]


def test_why_tells_the_worst_first(family):
    """Of three that wait, one is stopped."""
    name, pids = family(count=3)
    os.kill(pids[1], signal.SIGSTOP)
    try:
        done = gilspy.run("why", "--name", name, "-d", "100ms")
        document = json.loads(gilspy.run("why", "--json", "--name", name, "-d", "100ms").stdout)
        sick = gilspy.run("why", "--exit-code", "-q", "--name", name, "-d", "100ms")
        well = gilspy.run("why", "--exit-code", "-q", "-p", "%d,%d" % (pids[0], pids[2]), "-d", "100ms")
    finally:
        os.kill(pids[1], signal.SIGCONT)
    assert (done.returncode, done.stderr) == (0, "")
    others = sorted([pids[0], pids[2]])
    place = "<module> (%s:3)" % name
    assert rows(done.stdout) == [["PROCESS", "ROLE", "VERDICT", "GIL HELD", "WAITED FOR", "WHERE"],
                                 [str(pids[1]), name, "stopped", "0%", "0%", place],
                                 ["2: %d, %d" % tuple(others), name, "idle", "0%", "0%", place]]
    details = done.stdout.split("\n\n", 1)[1]
    assert details.startswith("Process %d, %s\nstopped: " % (pids[1], name)) and "idle: " not in details
    assert [(group["pids"], group["kind"]) for group in document["groups"]] == [([pids[1]], "stopped"), (others, "idle")]
    assert document["groups"][0]["text"] == next(one for one in document["processes"]
                                                 if one["pid"] == pids[1])["verdicts"][0]["text"]
    assert (sick.returncode, well.returncode) == (10, 0)


def test_why_of_those_that_are_alike(family):
    """One row, and nothing more: -v tells each."""
    name, pids = family(count=4)
    done = gilspy.run("why", "--name", name, "-d", "100ms")
    assert len(rows(done.stdout)) == 2 and rows(done.stdout)[1][1:3] == [name, "idle"] and "\n\n" not in done.stdout
    assert rows(done.stdout)[1][0].startswith("4: %d" % min(pids))
    verbose = gilspy.run("why", "-v", "--name", name, "-d", "100ms").stdout
    assert verbose.count("\nidle: ") == 4 and all("\nProcess %d, " % pid in verbose for pid in pids)


def test_a_master_is_told_last(family):
    """It waits for its child; both are idle."""
    name, [pid] = family("import os, sys\nread, write = os.pipe()\nif os.fork():\n os.close(write)\n print(flush=True)\n"
                         " os.read(read, 1)\n os.wait()\nelse: sys.stdin.readline()\n")
    done = gilspy.run("why", "-s", "-p", pid, "-d", "100ms")
    assert [row[1:3] for row in rows(done.stdout)[1:]] == [[name + ", worker", "idle"], [name + ", master", "idle"]]


# ---- dump --merge ----

JOB = """import os, sys, threading
def load(): wait()
def reduce(): wait()
def wait():
    print(flush=True)
    sys.stdin.readline()
load() if os.environ.get("RANK", "0") == "2" else reduce()
"""


def ranked(i):
    return {"RANK": str(i)}


def merge(*words, status=0, **options):
    done = gilspy.run("dump", "--merge", "--json", *words, **options)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def outline(document):
    """Of each stack: how often, ranks, the function that differs."""
    return [(stack["count"], stack["ranks"], stack["frames"][1]["function"]) for stack in document["stacks"]]


def test_the_odd_one_comes_first(family):
    name, pids = family(JOB, 5, environment=ranked)
    document = merge("--name", name)
    assert (document["schema"], document["processes"], document["failed"]) == (1, 5, [])
    assert outline(document) == [(1, ["2"], "load"), (4, ["0-1", "3-4"], "reduce")]
    odd, others = document["stacks"]
    assert odd["pids"] == [pids[2]] and others["pids"] == sorted(set(pids) - {pids[2]})
    assert (odd["name"], odd["gil"], odd["threads"]) == ("MainThread", "without", 1)
    done = gilspy.run("dump", "--merge", "--name", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:5] == ["5 processes, 2 different stacks, the rarest first", "",
                                            "1 of 5: rank 2 (process %d)" % pids[2],
                                            "  MainThread: without the GIL",
                                            "    wait      %s:6" % name]
    assert "4 of 5: ranks 0, 1, 3, 4\n" in done.stdout


def test_groups_of_a_dump(family):
    """Those whose threads stand at the same places, the rarest first."""
    name, pids = family(JOB, 4, environment=ranked)
    groups = json.loads(gilspy.run("dump", "--json", "--name", name).stdout)["groups"]
    assert [(group["pids"], group["kind"]) for group in groups] == [([pids[2]], "stacks"), (sorted(set(pids) - {pids[2]}), "stacks")]
    assert groups[0]["text"].startswith("MainThread is without the GIL, in wait (")


def test_a_dump_has_the_rank(family):
    for environment, rank in (({"RANK": "7", "LOCAL_RANK": "1"}, 7), ({"SLURM_PROCID": "12"}, 12), ({"RANK": "x"}, None),
                              ({"LOCAL_RANK": "", "OMPI_COMM_WORLD_RANK": "3"}, 3), ({}, None)):
        _, [pid] = family(JOB, environment=lambda i, words=environment: words)
        assert gilspy.dump(pid)["process"]["rank"] == rank


def test_without_ranks_by_pid(family):
    name, pids = family(JOB, 2)
    document = merge("-p", ",".join(map(str, pids)))
    assert outline(document) == [(2, [], "reduce")] and document["stacks"][0]["pids"] == sorted(pids)
    text = gilspy.run("dump", "--merge", "--name", name).stdout
    assert "\n2 of 2: processes " in text


def test_one_that_is_gone_holds_nobody_up(family):
    _, pids = family(JOB, 2, environment=ranked)
    gone = subprocess.Popen(["true"])
    gone.wait()
    document = merge("-p", ",".join(map(str, [gone.pid, *pids])), status=3)
    assert outline(document) == [(2, ["0-1"], "reduce")]
    [failed] = document["failed"]
    assert failed["pid"] == gone.pid and str(gone.pid) in failed["why"]


def test_files_of_any_kind(family, tmp_path):
    """Documents of one process, of several, several of them one behind the other, and what was merged before."""
    name, pids = family(JOB, 4, environment=ranked)
    live = merge("--name", name)
    one, several, stream, merged = (tmp_path / kind for kind in ("one", "several", "stream", "merged"))
    one.write_text(gilspy.run("dump", "-j", "-p", pids[0]).stdout)
    several.write_text(gilspy.run("dump", "-j", "-p", "%d,%d" % tuple(pids[1:3])).stdout)
    stream.write_text("".join(gilspy.run("dump", "-j", "-p", pid).stdout for pid in pids[2:]))
    merged.write_text(gilspy.run("dump", "--merge", "-j", "-p", ",".join(map(str, pids[:2]))).stdout)
    assert merge(merged, stream) == live
    assert merge(one, "-p", pids[3], several) == live
    with open(stream) as text:
        assert merge(merged, "-", stdin=text) == live
    assert outline(merge(merged, several)) == [(1, ["2"], "load"), (3, ["0-1", "1"], "reduce")]


@pytest.mark.parametrize("text, said", [
    ("", "there is nothing in it"), ("{}", "no document of gilspy dump --json"), ("[1]", "no document of gilspy dump --json"),
    ('{"processes": [{}]}', "no document of gilspy dump --json"), ('{"schema": 1,', "line 1 is no JSON")])
def test_a_file_that_is_none(family, tmp_path, text, said):
    """It is told, and the others count."""
    _, [pid] = family(JOB)
    wrong = tmp_path / "wrong.json"
    wrong.write_text(text)
    done = gilspy.run("dump", "--merge", "--json", wrong, "-p", pid)
    assert done.returncode == 1 and json.loads(done.stdout)["processes"] == 1
    assert done.stderr.startswith("gilspy: cannot merge %s: " % wrong) and said in done.stderr
    done = gilspy.run("dump", "--merge", wrong)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize("document", [
    '{"process": {"pid": "x", "rank": {}}, "threads": [{}, 1, {"frames": 3, "name": 2}, {"frames": [1, {"line": "a"}]}]}',
    '{"process": {}, "threads": 5}', '{"stacks": [1, {"frames": {}, "count": -5, "ranks": ["5-", "9999999999-0", "-3", 4]}]}'])
def test_a_document_with_other_types(tmp_path, document):
    file = tmp_path / "odd.json"
    file.write_text(document + '{"process": {"pid": 1}, "threads": []}')
    for words in ([], ["--json"]):
        done = gilspy.run("dump", "--merge", *words, file)
        assert (done.returncode, done.stderr) == (0, "") and done.stdout


@pytest.mark.parametrize("words, said", [
    (["-c", "core", "--merge"], "cannot merge: stacks of processes are, not cores"),
    (["-l", "--merge", "-p", "1"], "cannot merge: stacks of processes are, not values"),
    (["a.json"], "it takes no argument 'a.json'"),
    (["-p", "1", "--locals", "full"], "it takes no argument 'full'. It is -l, --locals=full or --locals=full:SIZE"),
    (["-p", "1", "-n", "42"], "it takes no argument '42'. A process is named with -p: gilspy dump -p 42")])
def test_wrong_usage_of_merge(words, said):
    done = gilspy.run("dump", *words)
    assert done.returncode == 2 and said in done.stderr
