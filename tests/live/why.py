"""The scenarios of targets/why.py: how each is brought about, and what `why` must say of it."""
import contextlib
import os
import signal
import tempfile

from target import FUTEX, running, until

PIPES = ("gate", "turn", "more", "third")
KEYS = {"schema", "pid", "watched_s", "verdicts", "dump"}
VERDICT = {"kind", "confidence", "text", "threads", "evidence", "advice"}
KINDS = {"stopped", "gil_deadlock", "lock_deadlock", "task_deadlock", "loop_blocked", "loop_starved", "task_cancelled", "import_lock", "world_stopped", "gc", "gil_held_blocked", "gil_hog", "lock_wait",
         "lock_contended", "finalizing", "swapping", "convoy", "gil_saturated", "gil_contended", "pool_exhausted", "busy", "idle"}
HEALTHY = {"busy", "idle"}


class Way:
    """One scenario, of the script's if that has another name. kinds: what its verdicts must be, the first one first; args: of the target; begin: brings it about;
    sure: the confidence of the first verdict, None: either; among: the names of threads that it must concern; calm:
    nobody moves; core: its core tells the same; layout: it depends on where things lie in that Python; said: what its
    first verdict says besides; fits: the Pythons where it can be had; file: the script of targets/ that does it."""
    def __init__(self, name, kinds, begin, sure=None, among=(), args=(), calm=True, core=True, layout=False, said="",
                 fits=lambda python: True, script=None, file="why.py"):
        self.name, self.kinds, self.begin, self.sure, self.among = name, kinds, begin, sure, among
        self.args, self.calm, self.core, self.layout, self.said = args, calm, core and calm, layout, said
        self.fits, self.script, self.file = fits, script or name, file


def sleeping(*names):
    """Until these threads sleep on a futex."""
    def begin(target):
        for name in names:
            target.wait_calling(target.began["tids"][name], FUTEX)
        target.wait_idle()
    return begin


def begin_gil_deadlock(target):
    tids = target.began["tids"]
    target.wait_reading(tids["wants-gil"], "turn")
    target.wait_reading(tids["wants-mutex"], "more")
    target.wait_idle()
    target.feed("more")
    target.wait_calling(tids["wants-mutex"], FUTEX)  # on the mutex, with the GIL
    target.feed("turn")
    target.wait_calling(tids["wants-gil"], FUTEX)


def begin_import(target):
    tids = target.began["tids"]
    target.wait_reading(tids["first"], "gate")
    target.wait_calling(tids["second"], FUTEX)
    target.wait_idle()


def begin_turn(name, asleep=None):
    def begin(target):
        tid = target.began["tids"][name]
        target.wait_reading(tid, "turn")
        target.wait_idle()
        target.feed("turn")
        if asleep is None:
            until(lambda: target.call_of(tid) is None, "it to run")
        else:
            target.wait_reading(tid, asleep)
    return begin


def begin_both(target):
    sleeping("one", "other", "behind")(target)
    begin_turn("hog")(target)


def begin_stopped(target):
    target.wait_idle()
    os.kill(target.pid, signal.SIGSTOP)
    until(lambda: target.state()[0] == "T", "it to be stopped")


def begin_finalizing(target):
    target.wait_reading(target.pid, "gate")


def begin_vfork(target):
    target.wait_reading(target.began["tids"]["starter"], "turn")
    target.wait_idle()
    target.feed("turn")
    until(lambda: target.state(target.began["tids"]["starter"])[0] == "D", "it to wait for its child")


def begin_idle(target):
    until(lambda: all(target.call_of(tid) for tid in target.began["tids"].values()), "all threads to sleep")


def begun(target):
    target.wait_idle()


def begin_gc(target):
    until(lambda: target.ask("state")["answer"].get("took", 0) > 0, "a long collection")
    target.wait_idle()


def begin_blocked_too(target):
    sleeping("waiter-0", "waiter-1")(target)
    begin_turn("holder", "gate")(target)


def begin_summing(target):
    """It is fed by whoever watches."""
    target.wait_reading(target.began["tids"]["hog"], "turn")
    target.wait_idle()


def with_gil(python):
    return python.has_gil


def counted(python):
    return python.has_gil and python.major > 2


WAYS = [
    Way("gil_deadlock", ["gil_deadlock"], begin_gil_deadlock, "certain", ["wants-gil", "wants-mutex"], fits=with_gil),
    Way("deadlock_with", ["lock_deadlock"], sleeping("one", "other"), "likely", ["one", "other"], layout=True),
    Way("deadlock_rlocks", ["lock_deadlock"], sleeping("one", "other", "behind"), "certain", ["one", "other"],
        layout=True),
    Way("deadlock_conditions", ["lock_deadlock"], sleeping("one", "other"), "likely", ["one", "other"], layout=True),
    Way("deadlock_alone", ["lock_deadlock"], sleeping("alone"), "likely", ["alone"], layout=True),
    Way("wait_rlock", ["lock_wait"], sleeping("waiter-0", "waiter-1"), "certain", ["owner", "waiter-0", "waiter-1"],
        layout=True),
    Way("wait_with", ["lock_wait"], sleeping("waiter-0", "waiter-1"), "likely", ["owner", "waiter-0", "waiter-1"],
        layout=True),
    Way("wait_unknown", ["lock_wait"], sleeping("waiter-0", "waiter-1"), "likely", ["waiter-0", "waiter-1"],
        layout=True),
    Way("import_lock", ["import_lock"], begin_import, None, ["second"], layout=True),
    Way("held_blocked", ["gil_held_blocked"], begin_turn("holder", "gate"), None, ["holder"], fits=with_gil),
    Way("stopped", ["stopped"], begin_stopped, "certain", core=False, script="idle", file="well.py"),
    Way("finalizing", ["finalizing"], begin_finalizing, "certain"),
    Way("vfork", ["swapping"], begin_vfork, "likely", ["starter"], core=False,
        fits=lambda python: python.at_least >= (3, 8)),
    Way("idle", ["idle"], begin_idle, file="well.py"),
    Way("gc_long", ["gc"], begin_gc, "certain", ["collector"], calm=False),
    Way("gil_hog", ["gil_hog"], begin_turn("hog"), None, ["hog"], calm=False, fits=with_gil),
    Way("convoy", ["convoy"], begun, "likely", ["io"], calm=False, fits=counted),
    Way("gil_saturated", ["gil_saturated"], begun, "likely", ["spinner-0", "spinner-1", "spinner-2"], calm=False,
        fits=with_gil),
    Way("busy", ["busy"], begun, None, ["computer"], calm=False, file="well.py"),
    Way("starved", ["busy"], begun, None, ["computer"], calm=False, said="had no processor", file="well.py",
        fits=lambda python: python.major > 2),
    Way("pool", ["idle"], begun, calm=False, file="well.py"),
    Way("server", ["idle"], begun, calm=False, file="well.py"),
    Way("deadlock_and_hog", ["lock_deadlock", "gil_hog"], begin_both, "certain", ["one", "other"], calm=False,
        fits=with_gil),
    Way("wait_and_saturated", ["lock_wait", "gil_saturated"], sleeping("waiter-0", "waiter-1"), "certain", ["owner"],
        calm=False, fits=with_gil),
]

# Ways to be well, and near misses.
WELL = [way for way in WAYS if set(way.kinds) <= HEALTHY] + [
    Way("heavy_server", ["idle"], begun, calm=False, file="well.py"),
    Way("heavier_server", ["idle"], begun, calm=False, file="well.py"),
    Way("bursts", ["idle"], begun, calm=False, file="well.py"),
    Way("light_gc", ["idle"], begun, calm=False, file="well.py"),
    Way("processes", ["idle"], begun, calm=False, file="well.py"),
    Way("file_pool", ["idle"], begun, calm=False, file="well.py", fits=lambda python: python.major > 2),
    Way("asyncio_idle", ["idle"], begin_idle, calm=False, file="well3.py", fits=lambda python: python.major > 2),
    Way("asyncio_ticks", ["idle"], begun, calm=False, file="well3.py", fits=lambda python: python.major > 2),
]
MISSES = [
    Way("wait_and_blocked", ["lock_wait", "gil_held_blocked"], begin_blocked_too, calm=False, fits=with_gil),
    Way("wait_and_convoy", ["lock_wait", "convoy"], sleeping("waiter-0", "waiter-1"), calm=False, fits=counted),
    Way("wait_and_gc", ["gc", "lock_wait"], begin_gc, calm=False),
    Way("keep_summing", ["gil_hog"], begin_summing, calm=False, args=["1.95"], fits=with_gil),
]


@contextlib.contextmanager
def brought_about(python, folders, way):
    """The target of a scenario, when it has come to where it is to be."""
    fifo = tempfile.mktemp(prefix="fifo-", dir=folders.of(python))
    os.mkfifo(fifo)
    args = [python.inside(fifo)] if way.name == "vfork" else way.args
    with running(python, folders, way.file, way.script, *args, pipes=PIPES) as target:
        try:
            way.begin(target)
            yield target
        finally:
            with contextlib.suppress(OSError):
                os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
