"""%%gilspy and %gilspy: what `%load_ext gilspy` brings to IPython and Jupyter."""
from __future__ import annotations

import argparse
import shlex
from typing import Any, List, NoReturn, Optional

from . import _api, _cells
from ._errors import Error

MAGIC = "gilspy"


class _Parser(argparse.ArgumentParser):
    """One that ends a cell, and not the kernel."""

    def error(self, message: str) -> NoReturn:
        raise ValueError("%s\n%s" % (message, self.format_usage()))

    def exit(self, status: int = 0, message: Optional[str] = None) -> NoReturn:
        raise ValueError((message or "").strip())


def _cell_parser() -> _Parser:
    parser = _Parser("%%gilspy", add_help=False, description="Runs the cell and shows what the GIL did meanwhile.")
    parser.add_argument("--trace", action="store_true", help="the exact timeline")
    parser.add_argument("--stat", action="store_true", help="the table: has, waits, without for each thread")
    parser.add_argument("--flamegraph", action="store_true", help="the flame graph alone")
    parser.add_argument("--rate", "-r", default=None, help="samples a second")
    parser.add_argument("--native", "-n", action="store_true", help="frames of C, C++ and Rust, too")
    parser.add_argument("--exact", action="store_true", help="with --stat: each take and drop")
    parser.add_argument("--output", "-o", default=None, help="save it, too")
    return parser


def _line_parser() -> _Parser:
    parser = _Parser("%gilspy", add_help=False)
    parser.add_argument("question", choices=["dump", "why", "stat", "ps"])
    parser.add_argument("pid", nargs="?", type=int, help="the process; this kernel unless told")
    parser.add_argument("--seconds", "-d", type=float, default=2.0, help="how long why and stat watch")
    return parser


def _watch(options: argparse.Namespace) -> _api.Watch[Any]:
    if options.trace:
        chrome = (options.output or "").endswith(".json")
        return _api.trace(format="chrome" if chrome else "html")
    if options.stat:
        return _api.stat(rate=options.rate, exact=options.exact)
    return _api.record(rate=options.rate, native=options.native)


def _shown(options: argparse.Namespace, result: Any) -> Any:
    if isinstance(result, _api.Recording):
        return result.flamegraph() if options.flamegraph else result.report()
    return result


def run_cell(shell: Any, line: str, cell: str) -> None:
    """%%gilspy: runs the cell, then shows the report, also when the cell failed."""
    from IPython import display

    options = _cell_parser().parse_args(shlex.split(line))
    if options.output and options.stat:
        raise ValueError("--output is for a report or a trace")
    watch = _watch(options)
    watch.start()
    try:
        _cells.run(shell, cell)
    finally:
        result = watch.stop()
    if options.output:
        result.save(options.output)
    show: Any = display.display
    show(_shown(options, result))


def run_line(line: str) -> Any:
    """%gilspy dump|why|stat|ps [PID]"""
    options = _line_parser().parse_args(shlex.split(line))
    if options.question == "ps":
        return _api.ps()
    if options.question == "dump":
        return _api.dump(options.pid)
    if options.question == "why":
        return _api.why(options.pid, options.seconds)
    return _api.stat(options.pid, seconds=options.seconds)


def load(shell: Any) -> None:
    from IPython.core.error import UsageError

    def magic(line: str, cell: Optional[str] = None) -> Any:
        """What the GIL of this kernel does.

        %%gilspy [--trace | --stat | --flamegraph] [-n] [-r RATE] [-o FILE]    runs the cell, then shows the report
        %gilspy dump|why|stat [PID] [-d SECONDS]                               of this kernel or of another process
        %gilspy ps                                                             the Python processes
        """
        try:
            return run_line(line) if cell is None else run_cell(shell, line, cell)
        except (Error, ValueError) as why:
            raise UsageError(str(why)) from None

    kinds: List[str] = ["line", "cell"]
    for kind in kinds:
        shell.register_magic_function(magic, kind, MAGIC)


def unload(shell: Any) -> None:
    for magics in shell.magics_manager.magics.values():
        magics.pop(MAGIC, None)
