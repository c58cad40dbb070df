"""gilspy.gil_load is the module gil_load."""
import os
import re
import subprocess
import sys
import threading

import pytest

from gilspy import gil_load
from work import Spinning, count

KEYS = {"held", "held_1m", "held_5m", "held_15m", "wait", "wait_1m", "wait_5m", "wait_15m"}
README = """
import threading
from gilspy import gil_load

gil_load.init()

def do_some_work():
    for i in range(2):
        sorted(range(100000), key=lambda x: -x)

gil_load.start()
threads = []
for i in range(4):
    thread = threading.Thread(target=do_some_work, daemon=True)
    threads.append(thread)
    thread.start()

for thread in threads:
    thread.join()

gil_load.stop()

stats = gil_load.get()
print(gil_load.format(stats))
"""


@pytest.fixture
def begun():
    gil_load.init()
    gil_load.start(av_sample_interval=0.002, reset_counts=True)
    yield
    try:
        gil_load.stop()
    except RuntimeError:
        pass  # the test has


def test_two_that_compute(begun):
    with Spinning(2) as spinning:
        for _ in range(20): # the first are enough but on a busy machine
            count(1_000_000)
            total, threads = gil_load.get()
            if threads[threading.get_ident()]["held"] > 0:
                break
    gil_load.stop()
    assert set(total) == KEYS and 0.7 < total["held"] <= 1 and total["held"] == total["held_1m"]
    assert total["wait"] > 0.5
    for thread in spinning.threads:
        of = threads[thread.ident]
        assert set(of) == KEYS and of["held"] + of["wait"] > 0.1
    assert threads[threading.get_ident()]["held"] > 0
    assert sum(of["held"] for of in threads.values()) == pytest.approx(total["held"], abs=0.1)


def test_threads_that_began_and_ended_meanwhile_are_known_by_their_ident(begun):
    with Spinning(2) as spinning:
        count(3_000_000)
    idents = {thread.ident for thread in spinning.threads}
    assert idents & set(gil_load.get()[1])


def test_it_adds_up_until_it_is_reset(begun):
    count(100000)
    gil_load.stop()
    first = gil_load._total.seconds
    gil_load.start()
    count(100000)
    gil_load.stop()
    assert gil_load._total.seconds > first > 0
    gil_load.start(reset_counts=True)
    gil_load.stop()
    assert gil_load._total.seconds < first * 100


def test_errors():
    gil_load.init()
    with pytest.raises(RuntimeError, match="not running"):
        gil_load.stop()
    gil_load.start()
    with pytest.raises(RuntimeError, match="already started"):
        gil_load.start()
    gil_load.stop()
    with pytest.raises(ValueError):
        gil_load.start(av_sample_interval=0)
    script = "from gilspy import gil_load\nfor f in (gil_load.start, gil_load.get, gil_load.test):\n" \
             "    try: f()\n    except RuntimeError as why: print(why)\n"
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "Must call gil_load.init() first\n" * 3


def test_test():
    gil_load.init()
    assert gil_load.test() is True


def test_format():
    of = {key: i / 7 for i, key in enumerate(sorted(KEYS))}
    assert gil_load.format((of, {17: of})).splitlines() == [
        "held: 0.0 (0.286, 0.429, 0.143)", "wait: 0.571 (0.857, 1.0, 0.714)", "  <17>",
        "    held: 0.0 (0.286, 0.429, 0.143)", "    wait: 0.571 (0.857, 1.0, 0.714)"]
    assert gil_load.format((of, {}), N=1).splitlines()[0] == "held: 0.0 (0.3, 0.4, 0.1)"


@pytest.mark.parametrize("kind", ["name", "file", "descriptor"])
def test_output(kind, tmp_path):
    path = tmp_path / "load"
    with open(path, "a") as file:
        output = {"name": str(path), "file": file, "descriptor": file.fileno()}[kind]
        gil_load.init()
        gil_load.start(output=output, output_interval=0.01, reset_counts=True)
        while not path.stat().st_size:
            count(1000)
        gil_load.stop()
    assert re.fullmatch(r"\[[-0-9: ]+\]  GIL load: [0-9.]+ \([0-9.]+, [0-9.]+, [0-9.]+\)", path.read_text().splitlines()[0])


def test_the_example_of_its_readme():
    """Unchanged, but for the import; by itself, and as it is told to be run."""
    for words in (["-c", README], ["-m", "gilspy.gil_load", "-c", README]):
        threads = 0
        for _ in range(5):  # on a busy machine it may be over before it was looked at
            done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
            assert re.match(r"held: [0-9.]+ \([0-9.]+, [0-9.]+, [0-9.]+\)\nwait: ", done.stdout) and done.stderr == ""
            threads = max(threads, len(re.findall(r"^  <\d+>$", done.stdout, re.M)))
            if threads >= 2:
                break
        assert threads >= 2


def test_averages_come_down():
    shares = gil_load._Shares()
    shares.add(30, held=1.0, wait=0.0)
    assert shares.stats()["held_1m"] == 1.0
    for _ in range(60):
        shares.add(10, held=0.0, wait=0.0)
    stats = shares.stats()
    assert stats["held"] == pytest.approx(30 / 630) and stats["held_1m"] < 0.001 < stats["held_5m"]
    assert stats["held_15m"] == pytest.approx(stats["held"])


def test_after_a_fork(begun):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            with pytest.raises(RuntimeError):
                gil_load.stop()
            gil_load.start()
            gil_load.stop()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    gil_load.stop()
