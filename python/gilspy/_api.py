"""The questions that can be asked, of any process or of this one."""
from __future__ import annotations

import os
import tempfile
import threading
from types import TracebackType
from typing import Any, Generic, List, Optional, Sequence, Tuple, Type, TypeVar, Union, cast, overload

from . import _cells, _child
from ._child import Child
from ._documents import Dump, Process, Processes, Run, Stat, Why
from ._errors import Error
from ._html import Page

Result = TypeVar("Result")
Self = TypeVar("Self", bound="Watch[Any]")
Path = Union[str, "os.PathLike[str]"]
Native = Union[bool, str]
Rate = Union[int, float, str]

EXTENSIONS = {".svg": "svg", ".html": "html", ".folded": "folded", ".txt": "folded", ".speedscope.json": "speedscope",
              ".trace.json": "chrome", ".gecko.json": "gecko", ".pb.gz": "pprof", ".callgrind": "callgrind",
              ".pstats": "pstats", ".prof": "pstats", ".jsonl": "jsonl", ".gilspy": "gilspy"}


def _time(seconds: float) -> str:
    return "%dms" % max(1, round(seconds * 1000))


def _options(**options: Any) -> List[str]:
    """The arguments that options mean: those that are None or False are left out."""
    words = []
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            words.append(option)
        elif isinstance(value, (list, tuple)):
            for item in value:
                words += [option, str(item)]
        elif value is not None and value is not False:
            words += [option, "%g" % value if isinstance(value, float) else str(value)]
    return words


def _words(pid: Optional[int], native: Native = False, **options: Any) -> List[str]:
    """The same behind the process, and frames of C."""
    natives = ["--native" if native is True else "--native=%s" % native] if native else []
    return ["-p", str(os.getpid() if pid is None else pid), *natives, *_options(**options)]


class _File:
    """A file without a name, which goes with this object."""

    def __init__(self) -> None:
        self.open = tempfile.TemporaryFile(prefix="gilspy-")

    def __del__(self) -> None:
        self.open.close()

    def read(self) -> bytes:
        self.open.seek(0)
        return self.open.read()


# ---- what is watched for a while ----

class Watch(Generic[Result]):
    """A run that lasts as long as a block: `with gilspy.stat() as run: ...`, then run.result.

    The process is watched from the beginning of the block to its end, from outside, by a child of this process.
    Afterwards nothing of it is left, however the block ended.
    """

    def __init__(self, command: str, words: Sequence[str]) -> None:
        self._command = command
        self._arguments = list(words)
        self._child: Optional[Child] = None
        self._result: Optional[Result] = None

    def start(self) -> None:
        """Begins; what `with` does. Raises gilspy.Error when the process cannot be watched."""
        if self._child is not None:
            raise Error("this run has begun already")
        self._result = None
        self._child = self._begin()

    def stop(self) -> Result:
        """Ends, and returns the result."""
        if self._child is None:
            raise Error("this run has not begun: use it in a with statement, or give it seconds")
        child, self._child = self._child, None
        self._result = self._finish(child)
        return self._result

    def __enter__(self: Self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if kind is None:
            self.stop()
            return
        try:
            self.stop()
        except Error:
            pass  # the error of the block is what matters

    @property
    def result(self) -> Result:
        """What was found out. Raises gilspy.Error before the block has ended."""
        if self._result is None:
            raise Error("this run has no result yet: it has one when its with statement has ended")
        return self._result

    def __repr__(self) -> str:
        if self._result is not None:
            return repr(self._result)
        state = "begins with a with statement, or give it seconds" if self._child is None else "runs"
        return "<gilspy.%s: %s>" % (self._command, state)

    def _repr_html_(self) -> Optional[str]:
        shown = getattr(self._result, "_repr_html_", None)
        return cast(Optional[str], shown()) if shown else None

    def _begin(self) -> Child:
        return Child(self._command, "--json", "--quiet", *self._arguments)

    def _finish(self, child: Child) -> Result:
        raise NotImplementedError


class StatWatch(Watch[Stat]):
    """Figures of the GIL during a block; run.now() has those so far."""

    def _begin(self) -> Child:
        child = super()._begin()
        self._sampled = "--exact" not in self._arguments
        if self._sampled:
            child.ask()  # what is before the block is not the block's
        return child

    def now(self) -> Stat:
        """The figures since the block began or this was asked the last time; not while it is exact."""
        if self._child is None or not self._sampled:
            raise Error("figures so far are those of a run that is sampled, and has begun")
        return Stat._of(self._child.ask())

    def _finish(self, child: Child) -> Stat:
        return Stat._of(child.last() if self._sampled else _child.only_document(child.end()))


class WhyWatch(Watch[Why]):
    """Why a block hangs or crawls."""

    asker: Optional[int] = None  # the thread of this process that waits for the answer

    def _finish(self, child: Child) -> Why:
        told = _child.only_document(child.end())
        others = [verdict for verdict in told["verdicts"] if verdict["threads"] != [self.asker]]
        told["verdicts"] = others or [{"kind": "idle", "confidence": "certain", "threads": [self.asker], "advice": None,
                                       "evidence": [], "text": "Nothing: all that was seen is the thread that asks."}]
        return Why._of(told)


class Recording:
    """Samples of a process: saved and drawn in any format, as often as one likes. They lie in a file without a name."""

    def __init__(self, file: _File, run: Run) -> None:
        self._file = file
        self.run = run

    def _report(self, *words: str) -> bytes:
        self._file.open.seek(0)
        return _child.run("report", "/proc/self/fd/0", *words, stdin=self._file.open)

    def save(self, path: Path, *, format: Optional[str] = None, mode: Optional[str] = None, threads: bool = False,
             function: bool = False, start: Optional[float] = None, end: Optional[float] = None) -> None:
        """Writes a file. Its format is told by its extension (.html .svg .folded .speedscope.json .trace.json .pb.gz .jsonl
        .gilspy) or by name.

        mode: which samples count (active, wall, cpu, gil, wait, blame); threads: the thread's name as the first frame;
        function: functions without line numbers; start, end: seconds from the beginning.
        """
        path = os.fspath(path)
        if (format or _format_of(path)) == "gilspy":
            with open(path, "wb") as file:
                file.write(self._file.read())
            return
        options = _options(format=format, mode=mode, threads=threads, function=function, output=path,
                           **{"from": None if start is None else _time(start), "to": None if end is None else _time(end)})
        self._report("--quiet", *options)
        if os.path.isfile(path):
            _cells.name_in(path)

    def flamegraph(self, mode: Optional[str] = None, *, threads: bool = False, function: bool = False) -> Page:
        """A flame graph as svg; shown in a notebook."""
        words = _options(mode=mode, threads=threads, function=function)
        return Page(self._report("-f", "svg", "-o", "-", *words).decode().partition("?>\n")[2])

    def report(self) -> Page:
        """The whole report as html; shown in a notebook."""
        return Page(self._report("-f", "html", "-o", "-").decode())

    def stat(self) -> Stat:
        """The figures that these samples give."""
        return Stat._of(_child.only_document(self._report("-f", "stat", "--json", "-o", "-")))

    def __repr__(self) -> str:
        return "<gilspy.Recording of %s>" % self.run._brief()

    def _repr_html_(self) -> str:
        return self.report()._repr_html_()


class RecordWatch(Watch[Recording]):
    """Samples of a block; afterwards run.save(path), run.flamegraph(), run.report()."""

    def _begin(self) -> Child:
        self._file, child = _into_file(self._command, "-f", "gilspy", *self._arguments)
        return child

    def _finish(self, child: Child) -> Recording:
        child.end()
        return Recording(self._file, Run._of(_child.only_document(child.said)))

    def save(self, path: Path, **options: Any) -> None:
        """As Recording.save."""
        self.result.save(path, **options)

    def flamegraph(self, mode: Optional[str] = None, *, threads: bool = False, function: bool = False) -> Page:
        """As Recording.flamegraph."""
        return self.result.flamegraph(mode, threads=threads, function=function)

    def report(self) -> Page:
        """As Recording.report."""
        return self.result.report()


class Trace:
    """An exact timeline: a page (format html), or for Perfetto (format chrome)."""

    height = 720

    def __init__(self, file: _File, run: Run) -> None:
        self._file = file
        self.run = run

    def _page(self) -> bytes:
        return _cells.named(self._file.read())

    def save(self, path: Path) -> None:
        """Writes it to a file, whose extension must be that of its format: .html or .trace.json."""
        told = _format_of(os.fspath(path))
        if told is not None and told != self.run.format:
            raise ValueError("this trace has the format %s, and %s means %s: ask for gilspy.trace(format=%r)"
                             % (self.run.format, os.fspath(path), told, told))
        with open(path, "wb") as file:
            file.write(self._page())

    def page(self) -> Page:
        """The page as html; shown in a notebook."""
        if self.run.format != "html":
            raise ValueError("this trace has the format %s: gilspy.trace(format='html') is a page" % self.run.format)
        return Page(self._page().decode())

    def __repr__(self) -> str:
        return "<gilspy.Trace of %s>" % self.run._brief()

    def _repr_html_(self) -> Optional[str]:
        return self.page()._repr_html_() if self.run.format == "html" else None


class TraceWatch(Watch[Trace]):
    """The exact timeline of a block; afterwards run.save(path)."""

    def _begin(self) -> Child:
        self._file, child = _into_file(self._command, *self._arguments)
        return child

    def _finish(self, child: Child) -> Trace:
        child.end()
        return Trace(self._file, Run._of(_child.only_document(child.said)))

    def save(self, path: Path) -> None:
        """As Trace.save."""
        self.result.save(path)


def _into_file(command: str, *words: str) -> Tuple[_File, Child]:
    """A run whose result goes to a file."""
    file = _File()
    return file, Child(command, "--json", "--quiet", "-o", "-", *words, stdout=file.open)


def _format_of(path: str) -> Optional[str]:
    return next((name for extension, name in EXTENSIONS.items() if path.endswith(extension)), None)


def _for_seconds(watch: Watch[Result], seconds: float) -> Result:
    """The result of a run of that length."""
    if not seconds > 0:
        raise ValueError("seconds must be more than 0, and not %r" % (seconds,))
    watch._arguments += ["--duration", _time(seconds)]
    with watch:
        cast(Child, watch._child).await_end()
    return watch.result


# ---- the questions ----

def dump(pid: Optional[int] = None, *, native: Native = False, locals: bool = False) -> Dump:
    """Every thread's stack and what it has to do with the GIL, at once.

    pid: the process; None is this one. native: frames of C, C++ and Rust, too ("leaf": only the innermost ones).
    locals: the values of variables, shortened; those that look secret are hidden.
    Raises gilspy.NoSuchProcess, NotPermitted, NotPython, or another gilspy.Error.
    """
    return Dump._of(_child.document("dump", "--json", *_words(pid, native, locals=locals)))


def ps() -> List[Process]:
    """The Python processes of this machine that can be seen."""
    return Processes(Process._of(process) for process in _child.document("ps", "--json")["processes"])


@overload
def why(pid: Optional[int] = ..., seconds: float = ..., *, threads: Sequence[str] = ...) -> Why: ...
@overload
def why(pid: Optional[int], seconds: None, *, threads: Sequence[str] = ...) -> WhyWatch: ...
@overload
def why(pid: Optional[int] = ..., *, seconds: None, threads: Sequence[str] = ...) -> WhyWatch: ...
def why(pid: Optional[int] = None, seconds: Optional[float] = 2.0, *,
        threads: Sequence[str] = ()) -> Union[Why, WhyWatch]:
    """Why a process hangs or crawls, in words, with the evidence.

    pid: the process; None is this one. seconds: how long to watch; None: for the time of a with statement.
    threads: patterns of names (worker-*): what holds these up. That the thread that asks waits for the answer is not told.
    """
    watch = WhyWatch("why", _words(pid, thread=list(threads)))
    if seconds is not None:
        watch.asker = threading.get_native_id() if pid in (None, os.getpid()) else None
        return _for_seconds(watch, seconds)
    watch._arguments += ["--duration", "1000h"]
    return watch


@overload
def stat(pid: Optional[int] = ..., *, seconds: float, rate: Optional[Rate] = ..., exact: bool = ...,
         long: Optional[float] = ..., max_overhead: Optional[float] = ...) -> Stat: ...
@overload
def stat(pid: Optional[int] = ..., *, seconds: None = ..., rate: Optional[Rate] = ..., exact: bool = ...,
         long: Optional[float] = ..., max_overhead: Optional[float] = ...) -> StatWatch: ...
def stat(pid: Optional[int] = None, *, seconds: Optional[float] = None, rate: Optional[Rate] = None, exact: bool = False,
         long: Optional[float] = None, max_overhead: Optional[float] = None) -> Union[Stat, StatWatch]:
    """The GIL in figures: who has it, who waits, for how long, and what keeps it.

    pid: the process; None is this one. seconds: how long; without it a context manager: `with gilspy.stat() as run: ...`,
    then run.result. rate: looks a second (1000). exact: see each take and drop instead of sampling them, at the cost of at
    most max_overhead (0.02), a share. long: from how many seconds on a hold is listed in hogs (0.02).
    """
    watch = StatWatch("stat", _words(pid, rate=rate, exact=exact, long=None if long is None else _time(long),
                                     max_overhead=max_overhead))
    return watch if seconds is None else _for_seconds(watch, seconds)


@overload
def record(pid: Optional[int] = ..., *, seconds: float, rate: Optional[Rate] = ..., native: Native = ...,
           subprocesses: bool = ...) -> Recording: ...
@overload
def record(pid: Optional[int] = ..., *, seconds: None = ..., rate: Optional[Rate] = ..., native: Native = ...,
           subprocesses: bool = ...) -> RecordWatch: ...
def record(pid: Optional[int] = None, *, seconds: Optional[float] = None, rate: Optional[Rate] = None,
           native: Native = False, subprocesses: bool = False) -> Union[Recording, RecordWatch]:
    """Samples of all threads' stacks, drawn as a report, a flame graph, or for other tools.

    pid: the process; None is this one. seconds: how long; without it a context manager: `with gilspy.record() as run: ...`,
    then run.save("out.html"). rate: samples a second (100), or "max". native: frames of C, C++ and Rust, too.
    subprocesses: the Python processes that it started, too.
    """
    watch = RecordWatch("record", _words(pid, native, rate=rate, subprocesses=subprocesses))
    return watch if seconds is None else _for_seconds(watch, seconds)


@overload
def trace(pid: Optional[int] = ..., *, seconds: float, format: str = ..., max_overhead: Optional[float] = ...) -> Trace: ...
@overload
def trace(pid: Optional[int] = ..., *, seconds: None = ..., format: str = ...,
          max_overhead: Optional[float] = ...) -> TraceWatch: ...
def trace(pid: Optional[int] = None, *, seconds: Optional[float] = None, format: str = "html",
          max_overhead: Optional[float] = None) -> Union[Trace, TraceWatch]:
    """An exact timeline of each hand-over of the GIL, and of who had a processor.

    pid: the process; None is this one. seconds: how long; without it a context manager: `with gilspy.trace() as run: ...`,
    then run.save("out.html"). format: html, a page, or chrome, for Perfetto. max_overhead: the share of its time that it
    may cost the process (0.2); where exactness would cost more, or cannot be had, run.result.run.method_why says so.
    """
    watch = TraceWatch("trace", _words(pid, format=format, max_overhead=max_overhead))
    return watch if seconds is None else _for_seconds(watch, seconds)
