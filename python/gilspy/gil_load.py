"""How much of the time the GIL is held and waited for, with the names of gil_load.

    from gilspy import gil_load

    gil_load.init()
    gil_load.start()
    ...
    gil_load.stop()
    print(gil_load.format(gil_load.get()))

Nothing is preloaded: `python script.py` does, and `python -m gilspy.gil_load script.py` does too. Functions, arguments and
results are those of gil_load; the figures are gilspy's, out of the GIL's own words, read by a child process.
"""
from __future__ import annotations

import math
import os
import sys
import threading
import time
from typing import IO, Any, Dict, Optional, Tuple, Union

from ._child import Child
from ._errors import Error

__all__ = ["init", "test", "start", "stop", "get", "format"]

Stats = Dict[str, float]
AVERAGES = {"_1m": 60.0, "_5m": 300.0, "_15m": 900.0}

_lock = threading.RLock()
_ready = False
_child: Optional[Child] = None
_writer: Optional[_Writer] = None
_total: _Shares
_threads: Dict[int, _Shares] = {}


class _Shares:
    """Shares of a span, and how they come down over the last minutes."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.of = {"held": 0.0, "wait": 0.0}
        self.recent = {key + span: 0.0 for key in self.of for span in AVERAGES}

    def add(self, seconds: float, **shares: float) -> None:
        before, self.seconds = self.seconds, self.seconds + seconds
        if seconds <= 0:
            return
        for key, share in shares.items():
            self.of[key] = (self.of[key] * before + share * seconds) / self.seconds
            for span, length in AVERAGES.items():
                kept = math.exp(-seconds / length)
                old = self.recent[key + span]
                self.recent[key + span] = self.of[key] if self.seconds < length else old * kept + share * (1 - kept)

    def stats(self) -> Stats:
        return {name: value for key in self.of
                for name, value in [(key, self.of[key]), *((key + span, self.recent[key + span]) for span in AVERAGES)]}


class _Writer(threading.Thread):
    """Writes the figures every so often, as it was asked for with `output`."""

    def __init__(self, output: Union[str, int, IO[str]], interval: float) -> None:
        super().__init__(name="gil_load output", daemon=True)
        self._mine = isinstance(output, (str, int))
        self._file: IO[str] = open(output, "a", closefd=not isinstance(output, int)) \
            if isinstance(output, (str, int)) else output
        self._interval = interval
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(self._interval):
            with _lock:
                if self._over.is_set():
                    return
                try:
                    _look()
                except (Error, TimeoutError):
                    return
                now = time.strftime("[%Y-%m-%d %H:%M:%S]")
                load = {key: round(value, 2) for key, value in _total.stats().items()}
            self._file.write("%s  GIL load: %s (%s, %s, %s)\n"
                             % (now, load["held"], load["held_1m"], load["held_5m"], load["held_15m"]))
            self._file.flush()

    def end(self) -> None:
        self._over.set()
        self.join()
        if self._mine:
            self._file.close()


_total = _Shares()


def init() -> None:
    """Must be called before the others; here it may be called at any time."""
    global _ready
    _ready = True


def test() -> bool:
    """Whether it can be told if the GIL is held: True, or AssertionError. Must be called after init()."""
    from ._api import dump

    _check()
    states = [interpreter.gil.state for interpreter in dump().interpreters]
    assert states and "unknown" not in states, "it cannot be told whether the GIL is held"
    return True


def start(av_sample_interval: float = 0.005, output_interval: float = 5,
          output: Union[None, str, int, IO[str]] = None, reset_counts: bool = False) -> None:
    """Begins to watch the GIL, at random moments that are av_sample_interval seconds apart on average.

    output: a file, its name or its descriptor to which the load is written about every output_interval seconds (by a
    thread, which there is for that alone). reset_counts: forget what was counted between earlier calls of start and stop.
    Raises RuntimeError when it was started already, gilspy.Error when this process cannot be read.
    """
    global _child, _writer
    _check()
    if not av_sample_interval > 0:
        raise ValueError("av_sample_interval must be more than 0, and not %r" % (av_sample_interval,))
    with _lock:
        if _child is not None and _child.running:
            raise RuntimeError("GIL monitoring already started")
        if reset_counts:
            _reset()
        _child = Child("stat", "--json", "--quiet", "--verbose", "--tasks=off", "--rate", "%g" % (1 / av_sample_interval),
                       "-p", str(os.getpid()))
        _child.ask()
        if output is not None:
            _writer = _Writer(output, output_interval)
            _writer.start()


def stop() -> None:
    """Ends it; get() has the figures afterwards, too. Raises RuntimeError when it does not run."""
    global _child, _writer
    with _lock:
        if _child is None or not _child.running:
            raise RuntimeError("GIL monitoring not running")
        _look()
        child, writer, _child, _writer = _child, _writer, None, None
        child.kill()
    if writer is not None:
        writer.end()


def get() -> Tuple[Stats, Dict[int, Stats]]:
    """(total_stats, {thread_id: thread_stats}); each of these is a dict of held, wait, and of both over the last 1, 5 and 15
    minutes (held_1m, ...), as shares of the time from start to stop.

    thread_id is Thread.ident.
    wait of the total is the sum of the threads': 2 when two of them wait all the time.
    """
    _check()
    with _lock:
        if _child is not None and _child.running:
            _look()
        return _total.stats(), {ident: shares.stats() for ident, shares in _threads.items()}


def format(stats: Tuple[Stats, Dict[int, Stats]], N: int = 3) -> str:
    """The result of get() as text, rounded to N digits."""
    def lines(of: Stats, margin: str) -> str:
        return "\n".join("%s%s: %s (%s, %s, %s)" % (margin, key, *(round(of[key + span], N) for span in ("", *AVERAGES)))
                         for key in ("held", "wait"))

    total, threads = stats
    return "\n".join([lines(total, ""), *("  <%d>\n%s" % (ident, lines(of, "    ")) for ident, of in threads.items())])


def _check() -> None:
    if not _ready:
        raise RuntimeError("Must call gil_load.init() first")


def _reset() -> None:
    global _total
    _total = _Shares()
    _threads.clear()


def _look() -> None:
    """Adds what was since the last time."""
    if _child is None:
        return
    figures: Dict[str, Any] = _child.ask()
    seconds, gil = figures["seconds"], figures["gil"]
    before = _total.seconds
    _total.add(seconds, held=gil["held"] or 0.0, wait=gil["mean_waiters"] or 0.0)
    spent: Dict[int, Tuple[float, float]] = {}
    for thread in figures["threads"]:
        ident = thread["ident"] or thread["tid"]
        held, wait = spent.get(ident, (0.0, 0.0))  # an ident is given again to a thread that begins later
        spent[ident] = held + thread["has"], wait + thread["waits"]
    for ident in spent.keys() - _threads.keys():
        _threads[ident] = _Shares()
        _threads[ident].add(before, held=0.0, wait=0.0)
    for ident, shares in _threads.items():
        held, wait = spent.get(ident, (0.0, 0.0))
        shares.add(seconds, held=held, wait=wait)


def _forget() -> None:
    """In a child of fork nothing is watched, and nobody has the lock."""
    global _lock, _child, _writer
    _lock, _child, _writer = threading.RLock(), None, None


os.register_at_fork(after_in_child=_forget)

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m gilspy.gil_load SCRIPT [ARGUMENT...]")
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
