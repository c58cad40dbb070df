"""What the program answers, as objects whose fields have the names of its JSON (schema 1)."""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple, Type, TypeVar, Union, get_type_hints

from . import _html

T = TypeVar("T", bound="Document")


Parts = Tuple[Tuple[str, Optional[Type["Document"]]], ...]
_known: Dict[Type[Document], Parts] = {}


def _parts(cls: Type[Document]) -> Parts:
    """Each field, and the class of what it has or has a list of, if that is one of ours."""
    if cls not in _known:
        hints = get_type_hints(cls)
        _known[cls] = tuple((field.name, _class_in(hints[field.name])) for field in dataclasses.fields(cls))
    return _known[cls]


def _class_in(hint: Any) -> Optional[Type[Document]]:
    while hint is not None:
        if isinstance(hint, type) and issubclass(hint, Document):
            return hint
        hint = next(iter(getattr(hint, "__args__", ())), None)
    return None


def _read(cls: Optional[Type[Document]], value: Any) -> Any:
    if cls is None or value is None:
        return value
    if isinstance(value, list):
        return [_read(cls, item) for item in value]
    return cls._of(value)


@dataclass(frozen=True, repr=False)
class Document:
    """An object out of JSON. What is null there is None here."""

    @classmethod
    def _of(cls: Type[T], source: Dict[str, Any]) -> T:
        made = cls(**{name: _read(inner, source[name]) for name, inner in _parts(cls) if name in source})
        object.__setattr__(made, "_source", source)
        return made

    def to_dict(self) -> Dict[str, Any]:
        """The JSON document that it was made of."""
        source: Dict[str, Any] = self._source  # type: ignore[attr-defined]
        return source

    def __repr__(self) -> str:
        return "<gilspy.%s: %s>" % (type(self).__name__, self._brief())

    def _brief(self) -> str:
        return ", ".join("%s=%r" % (field.name, getattr(self, field.name)) for field in dataclasses.fields(self))


def _percent(share: Optional[float]) -> str:
    return "-" if share is None else "%.1f" % (100 * share)


def _milliseconds(us: Optional[int]) -> str:
    return "-" if us is None else "%.1f ms" % (us / 1000)


def _columns(head: List[str], rows: List[List[str]]) -> str:
    """A table of text; the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [[row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
             for row in [head, *rows]]
    return "\n".join("  ".join(line).rstrip() for line in lines)


@dataclass(frozen=True, repr=False)
class Quality(Document):
    """How much of it was known whole, and what that cost: *_us are microseconds."""

    samples: int
    torn: int
    retried: int
    stopped: int
    stopped_us: int
    stopped_in_syscall: int
    late: int
    lost: int
    took_us: int
    cpu_us: int
    skipped: int
    refused: int
    overhead: Optional[float] = None


# ---- dump ----

@dataclass(frozen=True, repr=False)
class Frame(Document):
    """One call. kind: python, native (C, C++ or Rust), gc (it collects garbage), or gap: function then says why the stack
    ends there."""

    kind: str
    function: str
    qualname: Optional[str]
    file: Optional[str]
    line: Optional[int]
    module: Optional[str]
    locals: Optional[List[Dict[str, Any]]]
    inferred: bool = False

    def _brief(self) -> str:
        place = self.module if self.kind == "native" and self.file is None else self.file
        where = "" if place is None else " (%s)" % place if self.line is None else " (%s:%d)" % (place, self.line)
        return self.function + where


@dataclass(frozen=True, repr=False)
class WaitsFor(Document):
    """What a task waits for. kind: task, future, lock, event, queue, sleep, io, gather or other; id: of a task."""

    kind: str
    id: Optional[str]
    text: str


@dataclass(frozen=True, repr=False)
class Task(Document):
    """A task of an event loop. state: running, ready or waits; awaited_by: ids; frames: innermost first."""

    id: str
    name: Optional[str]
    state: str
    waits_for: Optional[WaitsFor]
    awaited_by: List[str]
    frames: List[Frame]

    def _brief(self) -> str:
        return "%s %s%s" % (self.name or self.id, self.state, ": " + self.waits_for.text if self.waits_for else "")


@dataclass(frozen=True, repr=False)
class Loop(Document):
    """An event loop. running: the id of a task; lag_us: how long, at least, the callback that runs now has been running."""

    kind: str
    running: Optional[str]
    ready: Optional[int]
    lag_us: Optional[int]
    tasks: List[Task]
    left_out: int

    def _brief(self) -> str:
        return "%s, %d tasks" % (self.kind, len(self.tasks) + self.left_out)


@dataclass(frozen=True, repr=False)
class ThreadDump(Document):
    """A thread as it was. gil: holds, waits, without, none or unknown; frames: innermost first."""

    tid: int
    ns_tid: int
    ident: Optional[int]
    name: Optional[str]
    main: bool
    interpreters: List[int]
    gil: str
    evidence: str
    runnable: Optional[bool]
    syscall: Optional[str]
    frames: List[Frame]
    loop: Optional[Loop] = None
    other_loops: Optional[List[Loop]] = None

    def _brief(self) -> str:
        return '%d "%s" %s, %d frames' % (self.tid, self.name, self.gil, len(self.frames))


@dataclass(frozen=True, repr=False)
class Gil(Document):
    """A GIL as it was. state: held, free, disabled or unknown; holder and waiters are tids."""

    state: str
    holder: Optional[int]
    waiters: List[int]
    switches: Optional[int]
    interval_us: Optional[int]
    drop_requested: Optional[bool]


@dataclass(frozen=True, repr=False)
class Interpreter(Document):
    id: int
    gil: Gil
    collecting_garbage: Optional[bool]


@dataclass(frozen=True, repr=False)
class ProcessDump(Document):
    pid: int
    ns_pid: int
    command: List[str]
    exe: str
    python: str
    build: str
    layout: str
    container: bool
    rank: Optional[int] = None


@dataclass(frozen=True, repr=False)
class Dump(Document):
    """One look at a process: the GIL, and every thread with its stack."""

    schema: int
    gilspy: str
    time: str
    process: ProcessDump
    interpreters: List[Interpreter]
    threads: List[ThreadDump]
    quality: Quality
    loops: Optional[List[Loop]] = None

    def __str__(self) -> str:
        marks = {"holds": "holds the GIL", "waits": "waits for the GIL", "none": "has no GIL", "unknown": "unknown"}
        lines = ["Process %d: Python %s, %d threads" % (self.process.pid, self.process.python, len(self.threads))]
        for thread in self.threads:
            doing = marks.get(thread.gil) or ("runs" if thread.runnable else "idle in %s" % thread.syscall)
            lines += ["", '%d "%s" %s' % (thread.tid, thread.name, doing)]
            lines += ["    " + frame._brief() for frame in thread.frames]
        return "\n".join(lines)

    def _brief(self) -> str:
        gil = self.interpreters[0].gil if self.interpreters else None
        state = "" if gil is None else ", GIL " + (gil.state if gil.holder is None else "held by %d" % gil.holder)
        return "process %d, Python %s, %d threads%s" % (self.process.pid, self.process.python, len(self.threads), state)

    def _repr_html_(self) -> str:
        return _html.text(str(self))


# ---- ps ----

@dataclass(frozen=True, repr=False)
class Process(Document):
    """A Python process of this machine. why_not: what keeps it from being watched, None where nothing does."""

    pid: int
    ns_pid: int
    user: str
    python: Optional[str]
    build: Optional[str]
    threads: Optional[int]
    gil: Optional[str]
    holder: Optional[int]
    command: List[str]
    watchable: bool
    why_not: Optional[str]
    parent: Optional[int] = None
    role: Optional[str] = None

    def _brief(self) -> str:
        return "%d, Python %s, %s" % (self.pid, self.python, " ".join(self.command))


class Processes(List[Process]):
    """A list of them, which a notebook shows as a table."""

    def _repr_html_(self) -> str:
        return _html.table(["PID", "USER", "PYTHON", "THREADS", "GIL", "COMMAND"],
                           [[str(one.pid), one.user, one.python or "", str(one.threads or ""), one.gil or "",
                             " ".join(one.command)] for one in self])


# ---- stat ----

@dataclass(frozen=True, repr=False)
class GilStat(Document):
    """A GIL over a span. held: share of the time that anybody had it; contended: that somebody waited for it."""

    state: str
    held: Optional[float]
    contended: Optional[float]
    mean_waiters: Optional[float]
    switches: Optional[int]
    switches_per_second: Optional[float]
    longest_hold_us: Optional[int]
    longest_hold_tid: Optional[int]
    held_avg: List[Optional[float]]
    wait_avg: List[Optional[float]]


@dataclass(frozen=True, repr=False)
class Percentiles(Document):
    p50: int
    p90: int
    p99: int


@dataclass(frozen=True, repr=False)
class ThreadStat(Document):
    """A thread over a span: the shares of it in which it had the GIL, waited for it and did without are 1 together."""

    tid: int
    ident: Optional[int]
    name: Optional[str]
    main: bool
    has: float
    waits: float
    without: float
    unknown: float
    on_cpu: Optional[float]
    acquisitions: Optional[int]
    wait_count: Optional[int]
    wait_us: Optional[int]
    longest_wait_us: Optional[int]
    longest_hold_us: Optional[int]
    hold_us: Optional[Percentiles]
    half_width: float
    counters: Optional[Dict[str, Any]] = None

    def _brief(self) -> str:
        return '%d "%s", has %s %%, waits %s %%' % (self.tid, self.name, _percent(self.has), _percent(self.waits))


@dataclass(frozen=True, repr=False)
class Hog(Document):
    """A place that kept the GIL for long. native: the C function that did, None if it was Python code."""

    tid: int
    function: Optional[str]
    file: Optional[str]
    line: Optional[int]
    native: Optional[str]
    module: Optional[str]
    held_us: int
    longest_us: int
    holds: int
    waiters: Optional[int]

    def _where(self) -> str:
        return "a place not known" if self.function is None else "%s:%s" % (self.file, self.line)

    def _brief(self) -> str:
        what = self.function if self.native is None else "%s (%s)" % (self.native, self.module)
        return "%s: %s at most, %d times" % (", ".join(filter(None, [what, self._where()])), _milliseconds(self.longest_us),
                                             self.holds)


@dataclass(frozen=True, repr=False)
class Blame(Document):
    """How long one thread (tid) waited for another one, in microseconds."""

    waiter: int
    holder: int
    us: int


@dataclass(frozen=True, repr=False)
class InterpreterStat(Document):
    id: int
    gil: GilStat


@dataclass(frozen=True, repr=False)
class LoopStat(Document):
    """An event loop of asyncio, run by the thread tid. longest_callback: where that was seen."""

    tid: int
    kind: str
    busy: float
    callbacks_per_second: Optional[float]
    longest_callback_us: Optional[int]
    longest_callback: Optional[Dict[str, Any]]
    tasks: int
    ready: Optional[float]


@dataclass(frozen=True, repr=False)
class LockStat(Document):
    """A lock other than the GIL that threads waited for. held_in: where whoever had it most used it; waiters: their tids."""

    kind: str
    type: Optional[str]
    name: Optional[str]
    address: str
    mean_waiters: float
    most_waiters: int
    wait_us: int
    longest_wait_us: int
    holder: Optional[int]
    held_in: Optional[Dict[str, Any]]
    waiters: List[int]
    half_width: float

    def _brief(self) -> str:
        return "%s: %.2f wait, %s at most" % (self.name or self.type or self.kind, self.mean_waiters,
                                              _milliseconds(self.longest_wait_us))


@dataclass(frozen=True, repr=False)
class Collections(Document):
    """Collections of garbage. generations: how many of each; longest: by whom, from where, of which generation; triggers:
    where they began, and their time."""

    share: float
    collections: Optional[int]
    longest_us: int
    generations: Optional[List[int]]
    longest: Optional[Dict[str, Any]]
    triggers: List[Dict[str, Any]]


@dataclass(frozen=True, repr=False)
class StoppedWorlds(Document):
    """For how long a thread of a free-threaded Python had all others stopped: by whom and why, and who stopped late."""

    count: int
    us: int
    longest_us: int
    requesters: List[Dict[str, Any]]
    late: List[Dict[str, Any]]


@dataclass(frozen=True, repr=False)
class Stat(Document):
    """The GIL in figures, over so many seconds. Shares are of that time."""

    schema: int
    pid: int
    python: str
    method: str
    seconds: float
    exact_seconds: float
    gil: GilStat
    threads: List[ThreadStat]
    ended: Optional[Dict[str, Any]]
    native: Optional[Dict[str, Any]]
    hogs: List[Hog]
    blame: List[Blame]
    method_why: Optional[str]
    events: Optional[int]
    events_lost: Optional[int]
    violations: Optional[int]
    quality: Quality
    loops: List[LoopStat]
    locks: Optional[List[LockStat]]
    stopped_worlds: Optional[StoppedWorlds]
    gc: Optional[Collections]
    interpreters: Optional[List[InterpreterStat]] = None

    _HEAD = ["THREAD", "TID", "HAS GIL %", "WAITS %", "NO GIL %", "CPU %", "LONGEST HOLD", "LONGEST WAIT"]

    def _rows(self) -> List[List[str]]:
        return [[(thread.name or "") + (" *" if thread.main else ""), str(thread.tid), _percent(thread.has),
                 _percent(thread.waits), _percent(thread.without), _percent(thread.on_cpu),
                 _milliseconds(thread.longest_hold_us), _milliseconds(thread.longest_wait_us)] for thread in self.threads]

    def _caption(self) -> str:
        return "Process %d over %.2f s: GIL held %s %%, contended %s %%" % (
            self.pid, self.seconds, _percent(self.gil.held), _percent(self.gil.contended))

    def __str__(self) -> str:
        parts = [self._caption(), _columns(self._HEAD, self._rows())]
        if self.hogs:
            parts.append("\n".join(["Keeps the GIL:", *("    " + hog._brief() for hog in self.hogs)]))
        return "\n\n".join(parts)

    def _brief(self) -> str:
        return self._caption()

    def _repr_html_(self) -> str:
        shown = _html.table(self._HEAD, self._rows(), self._caption())
        if self.hogs:
            shown += _html.table(["KEEPS THE GIL", "AT", "HELD", "LONGEST", "TIMES"],
                                 [[hog.native or hog.function or "", hog._where(),
                                   _milliseconds(hog.held_us), _milliseconds(hog.longest_us), str(hog.holds)]
                                  for hog in self.hogs])
        return shown


# ---- why ----

@dataclass(frozen=True, repr=False)
class Verdict(Document):
    """What holds the process up. confidence: certain or likely; threads: tids."""

    kind: str
    confidence: str
    text: str
    threads: List[int]
    evidence: List[str]
    advice: Optional[str]

    def __str__(self) -> str:
        lines = ["%s (%s): %s" % (self.kind, self.confidence, self.text), *("    " + line for line in self.evidence)]
        return "\n".join(lines + (["    What helps: " + self.advice] if self.advice else []))

    def _brief(self) -> str:
        return "%s, %s: %s" % (self.kind, self.confidence, self.text)


@dataclass(frozen=True, repr=False)
class Why(Document):
    """Why the process hangs or crawls, most certain first, and the dump of the last look."""

    schema: int
    pid: int
    watched_s: float
    verdicts: List[Verdict]
    dump: Dump

    def __str__(self) -> str:
        return "\n\n".join(str(verdict) for verdict in self.verdicts)

    def _brief(self) -> str:
        return "process %d: %s" % (self.pid, ", ".join(verdict.kind for verdict in self.verdicts))

    def _repr_html_(self) -> str:
        return _html.text(str(self))


# ---- record and trace ----

@dataclass(frozen=True, repr=False)
class Pushed(Document):
    """What `record --push` did: so many profiles reached the server, and so many were lost."""

    server: str
    profiles: int
    lost: int


@dataclass(frozen=True, repr=False)
class Run(Document):
    """The run of a recording or a trace, as `record --json` and `trace --json` sum it up."""

    schema: int
    pid: int
    python: Optional[str]
    output: str
    format: str
    mode: str
    seconds: float
    rate_hz: Union[float, str, None]
    samples: int
    thread_samples: int
    unique_stacks: int
    quality: Quality
    method: Optional[str] = None
    method_why: Optional[str] = None
    exact_seconds: Optional[float] = None
    events: Optional[int] = None
    events_lost: Optional[int] = None
    violations: Optional[int] = None
    overhead: Optional[float] = None
    pushed: Optional[Pushed] = None

    def _brief(self) -> str:
        return "process %d over %.2f s, %d samples" % (self.pid, self.seconds, self.samples)
