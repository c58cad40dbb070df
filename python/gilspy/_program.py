"""Where the program is."""
from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from typing import Iterator, Optional

from ._errors import ProgramNotFound

_found: Optional[str] = None


def _recorded() -> Iterator[str]:
    """Where the installer says that it has put the program."""
    from importlib import metadata

    try:
        files = metadata.files("gilspy") or []
    except metadata.PackageNotFoundError:
        return
    for file in files:
        if file.name == "gilspy" and file.parent.name == "bin":
            yield str(file.locate())


def _candidates() -> Iterator[str]:
    named = os.environ.get("GILSPY_PROGRAM")
    if named:
        yield named
        return  # whoever names one does not mean another
    yield os.path.join(sysconfig.get_path("scripts"), "gilspy")
    yield from _recorded()
    package = os.path.dirname(os.path.abspath(__file__))
    yield os.path.join(os.path.dirname(package), "bin", "gilspy")  # pip install --target
    on_path = shutil.which("gilspy")
    if on_path:
        yield on_path


def program() -> str:
    """The path of the program: what $GILSPY_PROGRAM names, else the one that was installed with this package.

    Raises ProgramNotFound where there is none, as on a system that gilspy is not for.
    """
    global _found
    named = os.environ.get("GILSPY_PROGRAM")
    if _found is not None and named in (None, "", _found):
        return _found
    if not sys.platform.startswith("linux"):
        raise ProgramNotFound("gilspy looks into processes of Linux, and this is %s" % sys.platform)
    looked = []
    for path in _candidates():
        if os.path.isfile(path) and os.access(path, os.X_OK) and not _is_text(path):
            _found = path
            return path
        looked.append(path)
    raise ProgramNotFound("the program gilspy is not there: looked for %s" % ", ".join(looked), None,
                          "Install it with pip install --force-reinstall gilspy, or name it in GILSPY_PROGRAM")


def _is_text(path: str) -> bool:
    """A script of that name is not the program."""
    try:
        with open(path, "rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False
