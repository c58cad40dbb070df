"""How busy the GIL is, with the names of gilknocker."""
from __future__ import annotations

import os
import threading
from typing import Optional

from ._child import Child
from ._errors import Error

LEAST_HZ, MOST_HZ = 10.0, 1000.0


def _micros(name: str, value: Optional[int], usual: int) -> int:
    """As gilknocker takes them: whole numbers that are not negative."""
    if value is None:
        return usual
    if not hasattr(value, "__index__"):
        raise TypeError("argument %r: %r object cannot be interpreted as an integer" % (name, type(value).__name__))
    if value < 0:
        raise OverflowError("can't convert negative int to unsigned")
    return int(value)


class KnockKnock:
    """Tells how busy the GIL of this process is: gilknocker's class, with the same arguments, methods and meanings.

    gilknocker has a thread in this process that asks for the GIL and takes the time; here a child process reads the GIL's
    own words, and nobody asks for it. contention_metric is the share of the time since start, or since
    reset_contention_metric, in which any thread had the GIL: what a thread that asks for it now would meet.

    polling_interval_micros (1000): the time between two looks. sampling_interval_micros (10 times that) and
    sleeping_interval_micros (100 times that): of each sleeping and sampling interval together, the share in which it looks;
    the looks are spread evenly over both, 10 to 1000 of them a second. timeout_micros (5 seconds): how long stop and the
    others may take, else TimeoutError.
    """

    def __init__(self, polling_interval_micros: Optional[int] = None, sampling_interval_micros: Optional[int] = None,
                 sleeping_interval_micros: Optional[int] = None, timeout_micros: Optional[int] = None) -> None:
        polling = _micros("polling_interval_micros", polling_interval_micros, 1000)
        sampling = _micros("sampling_interval_micros", sampling_interval_micros, 10 * polling)
        sleeping = _micros("sleeping_interval_micros", sleeping_interval_micros, 100 * polling)
        share = sampling / (sampling + sleeping) if sampling + sleeping else 1.0
        self._rate_hz = min(MOST_HZ, max(LEAST_HZ, 1e6 / max(polling, 1) * share))
        self._timeout = _micros("timeout_micros", timeout_micros, 5_000_000) / 1e6
        self._lock = threading.Lock()
        self._owner = 0  # the process that started it
        self._child: Optional[Child] = None
        self._seconds = self._held = 0.0

    def start(self) -> None:
        """Begins to look. Does nothing when it does so already. Raises gilspy.Error when this process cannot be read."""
        if self.is_running:
            return
        with self._mine():
            self._seconds = self._held = 0.0
            self._child = Child("stat", "--json", "--quiet", "--tasks=off", "--rate", "%g" % self._rate_hz,
                                "-p", str(os.getpid()))
            self._child.ask()  # what is before now does not count

    def stop(self) -> None:
        """Ends; contention_metric stays what it is. Does nothing when it has not been started."""
        with self._mine():
            child = self._child
            if child is None:
                return
            self._look()
            self._child = None
            if child.running:
                child.end(self._timeout)

    @property
    def is_running(self) -> bool:
        """It has been started, and not stopped."""
        child = self._child
        return child is not None and child.running

    @property
    def contention_metric(self) -> float:
        """From 0, the GIL was free all the time, to 1, somebody always had it."""
        with self._mine():
            self._look()
            return min(1.0, self._held / self._seconds) if self._seconds > 0 else 0.0

    def reset_contention_metric(self) -> None:
        """Begins to count anew."""
        with self._mine():
            self._look()
            self._seconds = self._held = 0.0

    def _mine(self) -> threading.Lock:
        """The lock; in a child of fork nothing of the parent's run is left, and its lock may be held for ever."""
        if self._owner != os.getpid():
            self._owner, self._child, self._lock = os.getpid(), None, threading.Lock()
        return self._lock

    def _look(self) -> None:
        """Adds what was since the last look; what was known stays where the program was killed."""
        if not self.is_running:
            return
        try:
            figures = self._child.ask(self._timeout) if self._child else None
        except Error:
            return
        if figures is not None:
            self._seconds += figures["seconds"]
            self._held += (figures["gil"]["held"] or 0.0) * figures["seconds"]
