"""What `why` says of a process that ends while it is watched."""
import json
import os
import subprocess

import pytest

import gilspy
from target import READ, until

PPOLL = 271  # what it waits in between two looks
PATIENCE_S = 120
HANGS_NS = 1500000000  # of holding the GIL are more than it takes to be a hog
LOOKS = 40

WAITS = """import os, sys
sys.stdin.readline()
os.execv("/bin/cat", ["cat"])
"""


def calls(pid, number):
    with open("/proc/%d/syscall" % pid, encoding="ascii") as file:
        return file.read().split()[0] == str(number)


def ran_ns(pid):
    with open("/proc/%d/schedstat" % pid, encoding="ascii") as file:
        return int(file.read().split()[0])


def switches(pid):
    """How often it went to sleep."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt"))


@pytest.mark.parametrize("end_by, said", [("kill", "has ended"), ("exec", "began to run another program")])
def test_of_one_that_ends(system_python, tmp_path, end_by, said):
    script = tmp_path / "waits.py"
    script.write_text(WAITS)
    with subprocess.Popen(system_python.command(str(script)), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as target:
        try:
            until(lambda: calls(target.pid, READ), "it to wait")
            why = subprocess.Popen([gilspy.PROGRAM, "why", "--json", "-d", "600", "-p", str(target.pid)], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL="C.UTF-8"))
            until(lambda: calls(why.pid, PPOLL), "it to watch")
            if end_by == "kill":
                target.kill()
                target.wait()
            else:
                target.stdin.write(b"\n")
                target.stdin.flush()
            out, told = why.communicate(timeout=PATIENCE_S)
        finally:
            target.kill()
    assert why.returncode == 0
    assert told == "gilspy: process %d %s while it was watched: this is what was seen until then\n" % (target.pid, said)
    document = json.loads(out)
    assert document["pid"] == target.pid and document["dump"]["threads"] == []
    [verdict] = document["verdicts"]
    assert verdict["kind"] == "idle" and "The process %s while it was watched" % said in verdict["text"]
    assert any(sentence.endswith("this is what was seen until then.") for sentence in verdict["evidence"])


def test_hog_that_ended(system_python):
    """What was seen before the end counts."""
    hog = "import re, sys, threading\n" \
          "threading.Thread(target=lambda: [threading.Event().wait(0.001) for _ in iter(int, 1)], daemon=True).start()\n" \
          "print(flush=True)\nre.match('(a+)+$', 'a' * 60 + 'b')\n"
    with subprocess.Popen(system_python.command("-c", hog), stdout=subprocess.PIPE) as target:
        try:
            target.stdout.readline()
            why = subprocess.Popen([gilspy.PROGRAM, "why", "--json", "--exit-code", "-d", "600", "-p", str(target.pid)],
                                   text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            until(lambda: calls(why.pid, PPOLL), "it to watch")
            before, looked = ran_ns(target.pid), switches(why.pid)
            until(lambda: ran_ns(target.pid) > before + HANGS_NS and switches(why.pid) > looked + LOOKS, "it to look for long")
        finally:
            target.kill()
    out, _ = why.communicate(timeout=PATIENCE_S)
    assert why.returncode == 10
    assert json.loads(out)["verdicts"][0]["kind"] == "gil_hog"


@pytest.mark.parametrize("words, said", [
    (["-p", "1", "--", "true"], "-p and a command behind -- exclude each other"),
    (["--user", "root", "-p", "1"], "--user is for a command behind --"),
    (["--exit-code", "--", "true"], "the exit status is its own"),
    (["-r", "5", "-p", "1"], "5 looks a second tell too little. Take 20 or more"),
    ([], "neither a process nor a command is named")])
def test_wrong_usage(words, said):
    done = gilspy.run("why", *words)
    assert done.returncode == 2 and done.stdout == "" and said in done.stderr


def test_command_that_cannot_be_run():
    done = gilspy.run("why", "--", "/nowhere/at/all")
    assert done.returncode == 1 and "cannot run /nowhere/at/all" in done.stderr


@pytest.mark.slow
def test_budget_that_is_used_up(system_python, tmp_path):
    """Whoever may not stop a thread any more still gets the last snapshot, and with it the verdict."""
    script = tmp_path / "calls.py"
    script.write_text("import threading\n"
                      "def f(n): return n and g(n - 1)\n"
                      "def g(n): return n and f(n - 1)\n"
                      "for _ in range(3): threading.Thread(target=lambda: [f(12) for _ in iter(int, 1)], daemon=True).start()\n"
                      "print(flush=True)\n"
                      "threading.Event().wait()\n")
    with subprocess.Popen(system_python.command(str(script)), stdout=subprocess.PIPE) as target:
        try:
            target.stdout.readline()
            for _ in range(3):
                done = gilspy.run("why", "--max-pause", "0.01%", "-p", target.pid)
                assert (done.returncode, done.stderr) == (0, "") and "the GIL" in done.stdout
        finally:
            target.kill()
