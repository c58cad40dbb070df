"""A use of everything, in whatever Python runs this; says "all of it works"."""
import os
import tempfile
import threading
import warnings

warnings.simplefilter("error")

import gilspy  # noqa: E402
from gilspy import gil_load  # noqa: E402


def work(loops=3000000):
    over = threading.Event()

    def spin():
        while not over.is_set():
            sum(range(100))

    thread = threading.Thread(target=spin, name="worker")
    thread.start()
    for _ in range(loops):
        pass
    over.set()
    thread.join()


def of_longer_work(measure):
    """A share of some work; of longer work when the machine was too busy to look at it."""
    share = 0.0
    for loops in (3000000, 10000000, 50000000):
        share = share if share > 0.3 else measure(loops)
    return share


def held(loops):
    with gilspy.stat() as stat:
        work(loops)
    assert stat.result.pid == os.getpid()
    return stat.result.gil.held or 0.0  # nobody looked


def knocked(loops):
    knocker = gilspy.KnockKnock(1000, 10000, 0)
    knocker.start()
    work(loops)
    share = knocker.contention_metric
    knocker.stop()
    return share


def loaded(loops):
    gil_load.init()
    gil_load.start(reset_counts=True)
    work(loops)
    gil_load.stop()
    return gil_load.get()[0]["held"]


def main():
    pid = os.getpid()
    dump = gilspy.dump()
    assert dump.process.pid == pid and dump.threads[0].main
    disabled = dump.interpreters[0].gil.state == "disabled"
    for measure in (held, knocked, loaded):
        assert disabled or of_longer_work(measure) > 0.3, measure
    with gilspy.record() as run:
        work()
    with tempfile.TemporaryDirectory() as folder:
        run.save(os.path.join(folder, "run.html"))
        run.save(os.path.join(folder, "run.folded"), mode="wall", threads=True)
        with open(os.path.join(folder, "run.folded")) as file:
            assert "MainThread;" in file.read()
    assert run.flamegraph().startswith("<svg")
    assert gilspy.why(seconds=0.1).verdicts
    with gilspy.trace() as trace:
        work()
    assert trace.result.page().startswith("<!")
    assert any(process.pid == pid for process in gilspy.ps())
    try:
        gilspy.dump(2 ** 22 - 1)
    except gilspy.NoSuchProcess:
        print("all of it works")


main()
