"""What a notebook calls its cells: In [2], instead of the file that IPython says it compiles."""
from __future__ import annotations

import re
import sys
import tempfile
from typing import Any, Dict

# ipykernel's name (compiler.py, get_file_name), also without its folder, and IPython's (compilerop.py, code_name), as JSON
# and html write it, too.
NAME = re.compile(rb"(?:%s/)?(ipykernel_\d+/\d+\.py)|(?:<|&lt;|\\u003c)(ipython-input-[\w-]+)(?:>|&gt;|\\u003e)"
                  % re.escape(tempfile.gettempdir().encode()))


def _numbers(shell: Any) -> Dict[str, int]:
    """The number of the cell that each file is; IPython 7 does not tell."""
    return getattr(shell.compile, "_filename_map", {})


def named(said: bytes) -> bytes:
    """The same with the names of this notebook's cells."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        return said
    numbers = {"/".join(file.strip("<>").split("/")[-2:]).encode(): number for file, number in _numbers(shell).items()}

    def name(match: re.Match[bytes]) -> bytes:
        number = numbers.get(match[1] or match[2])
        return match[0] if number is None else b"In [%d]" % number

    return NAME.sub(name, said)


def name_in(path: str) -> None:
    """The same with a file of text. Others (pstats) tell of a name how long it is: they keep IPython's."""
    with open(path, "r+b") as file:
        said = file.read()
        renamed = named(said)
        if renamed != said and b"\0" not in said:
            file.seek(0)
            file.write(renamed)
            file.truncate()


def run(shell: Any, cell: str) -> None:
    """Runs what stands below a magic, as the cell that it is a part of.

    IPython 9 takes it for the next cell, and every IPython counts its lines from the one below the magic.
    """
    numbers, number = _numbers(shell), shell.displayhook.prompt_count
    before = dict(numbers)
    try:
        shell.run_cell(cell if re.match(r"\n*([ \t]|%%)", cell) else "#\n" + cell)
    finally:
        for file in numbers:
            if numbers[file] != before.get(file):
                numbers[file] = number
