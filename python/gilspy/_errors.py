"""What can go wrong: one class for each exit status of the program."""
from __future__ import annotations

from typing import Dict, Optional, Type


class Error(Exception):
    """gilspy could not do it; below it is one class for each exit status of the program.

    status: the exit status (None: the program was never started, or nobody knows how it ended).
    mend: what would help, as a sentence or a command; None where nothing is known to.
    """

    def __init__(self, message: str, status: Optional[int] = None, mend: Optional[str] = None) -> None:
        super().__init__(message, status, mend)
        self.message = message
        self.status = status
        self.mend = mend

    def __str__(self) -> str:
        return self.message if self.mend is None else "%s. %s" % (self.message, self.mend)


class Failed(Error):
    """Exit status 1: the output cannot be written, the disk is full, the process ended before it could be read..."""


class UsageError(Error, ValueError):
    """Exit status 2: an argument that the program does not take."""


class NoSuchProcess(Error):
    """Exit status 3: nobody has this pid."""


class NotPermitted(Error):
    """Exit status 4: the process may not be read. The message names what stands in the way, mend what helps."""


class NotPython(Error):
    """Exit status 5: it is no CPython, or one that this gilspy does not know."""


class ProgramNotFound(Error):
    """The program of this package is not where it was installed, or cannot be run here."""


CLASSES: Dict[int, Type[Error]] = {1: Failed, 2: UsageError, 3: NoSuchProcess, 4: NotPermitted, 5: NotPython}


def of_run(status: int, said: str) -> Error:
    """The error that a run of the program ended with: its exit status, and what it wrote to stderr."""
    lines = [line[len("gilspy: "):] for line in said.splitlines() if line.startswith("gilspy: ")]
    message, dot, mend = (lines[-1] if lines else said.strip()).partition(". ")
    if not message:
        message = "the program ended with exit status %d and said nothing" % status
    return CLASSES.get(status, Error)(message.rstrip("."), status, mend if dot else None)
