"""Who holds the GIL of a running Python, who waits for it, and what every thread does.

    gilspy.dump(pid)                    every thread's stack, at once
    gilspy.stat(pid, seconds=10)        the GIL in figures
    gilspy.why(pid)                     why it hangs or crawls, in words
    gilspy.record(pid, seconds=10)      samples: .save("run.html"), .flamegraph()
    gilspy.trace(pid, seconds=1)        an exact timeline
    gilspy.ps()                         the Python processes of this machine

Without a pid it is this process, and without seconds a block of it:

    with gilspy.record() as run:
        work()
    run.save("run.html")

The program gilspy does it as a child of this process, which it reads from outside: no thread is started, nothing is loaded
into the interpreter. In notebooks `%load_ext gilspy` brings %%gilspy and %gilspy; `pytest --gilspy` tells which tests keep
the GIL. KnockKnock is gilknocker's, gil_load is the module of that name. What fails raises gilspy.Error.
"""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._api import Recording, RecordWatch, StatWatch, Trace, TraceWatch, Watch, WhyWatch, dump, ps, record, stat, trace, why
from ._documents import (
    Blame,
    Document,
    Dump,
    Frame,
    Gil,
    GilStat,
    Hog,
    Interpreter,
    InterpreterStat,
    Loop,
    Percentiles,
    Process,
    ProcessDump,
    Pushed,
    Quality,
    Run,
    Stat,
    Task,
    ThreadDump,
    ThreadStat,
    Verdict,
    WaitsFor,
    Why,
)
from ._errors import Error, Failed, NoSuchProcess, NotPermitted, NotPython, ProgramNotFound, UsageError
from ._html import Page
from ._knock import KnockKnock
from ._program import program

if TYPE_CHECKING:
    from . import gil_load

__all__ = [
    "Blame", "Document", "Dump", "Error", "Failed", "Frame", "Gil", "GilStat", "Hog", "Interpreter", "InterpreterStat",
    "KnockKnock", "Loop", "NoSuchProcess", "NotPermitted", "NotPython", "Page", "Percentiles", "Process", "ProcessDump",
    "ProgramNotFound", "Pushed", "Quality", "RecordWatch", "Recording", "Run", "Stat", "StatWatch", "Task", "ThreadDump",
    "ThreadStat", "Trace", "TraceWatch", "UsageError", "Verdict", "WaitsFor", "Watch", "Why", "WhyWatch", "dump", "gil_load",
    "load_ipython_extension", "program", "ps", "record", "stat", "trace", "unload_ipython_extension", "why",
]


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext gilspy` calls."""
    from ._jupyter import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """What `%unload_ext gilspy` calls."""
    from ._jupyter import unload

    unload(shell)


def __getattr__(name: str) -> Any:
    """__version__: that of the program. gil_load: imported when it is asked for, since it can be run, too."""
    if name == "gil_load":
        return importlib.import_module("gilspy.gil_load")
    if name == "__version__":
        from ._child import run

        return run("--version").decode().split()[1]
    raise AttributeError("module 'gilspy' has no attribute %r" % name)
