"""What `why` says when there is nothing left to judge."""
import os
import subprocess

import pytest

import gilspy
from target import READ, until

PPOLL = 271  # what it waits in between two looks
PATIENCE_S = 120

WAITS = """import os, sys
sys.stdin.readline()
os.execv("/bin/cat", ["cat"])
"""


def calls(pid, number):
    with open("/proc/%d/syscall" % pid, encoding="ascii") as file:
        return file.read().split()[0] == str(number)


@pytest.mark.parametrize("end_by, said", [("kill", "has ended"), ("exec", "began to run another program")])
def test_no_verdict_of_one_that_ends(system_python, tmp_path, end_by, said):
    script = tmp_path / "waits.py"
    script.write_text(WAITS)
    with subprocess.Popen(system_python.command(str(script)), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as target:
        try:
            until(lambda: calls(target.pid, READ), "it to wait")
            why = subprocess.Popen([gilspy.PROGRAM, "why", "-d", "600", "-p", str(target.pid)], text=True,
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
    assert (why.returncode, out) == (0, "")
    assert told == "gilspy: process %d %s while it was watched: there is no verdict\n" % (target.pid, said)
