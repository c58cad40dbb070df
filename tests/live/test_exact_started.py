"""What is learnt of a program that is traced from its start, of which nothing is left to ask at its end."""
import pytest

import gilspy
from tracing import few

NAMED_LATE = """
import sys, threading, time

def compute():
    end = time.time() + float(sys.argv[1])
    while time.time() < end:
        sum(range(1000))

def rename():
    time.sleep(0.3)
    threading.current_thread().name = "burn-late"
    compute()

threads = [threading.Thread(target=compute, name="burn-given"), threading.Thread(target=rename)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""

pytestmark = pytest.mark.usefixtures("watchable", "with_gil")
wanted = few


@pytest.mark.parametrize("command", ["stat", "trace"])
def test_names(python, tmp_path, command):
    """They are learnt while it runs, and chosen by at its end."""
    how = {"stat": ["--exact"], "trace": ["-o", tmp_path / "out.json"]}[command]
    for seconds in (1, 2, 4, 8, 16):  # a machine may let nobody look for long
        done = gilspy.run(command, *how, "--max-overhead", "off", "--thread", "burn-*", "--",
                          *python.command("-c", NAMED_LATE), seconds)
        assert done.returncode == 0, done.stderr
        if "burn-given" in done.stdout and "burn-late" in done.stdout:
            return
    pytest.fail(done.stdout)
