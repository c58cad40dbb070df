"""Programs that embed Python: targets/embed.c, compiled against a libpython or to load one."""
import contextlib
import glob
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from spaces import choose
from target import SCRIPTS, Program, running

STATIC = "/usr/lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11.a"
NEEDED_BY_STATIC = ["-lm", "-lz", "-lexpat"]
DEBIAN = "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0"


def library_of(version):
    """The libpython of pyenv's Python "3.8", of Debian's "debian"; an archive that is linked whole: "static"."""
    path = {"debian": DEBIAN, "static": STATIC}.get(version) or choose(version, "pyenv").library
    if not os.path.exists(path):
        pytest.skip("%s is not installed" % path)
    return os.path.realpath(path)


def version_of(library):
    """As "3.8" """
    return re.search(r"libpython(\d\.\d+)", library).group(1)


class Embedder:
    """Compiled programs, in a folder where everybody may look."""
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="gilspy-test-")
        os.chmod(self.folder, 0o755)
        for name in ("common.py", "embedded.py"):
            shutil.copy(os.path.join(SCRIPTS, name), self.folder)

    def compile(self, *words):
        number = len(glob.glob(self.folder + "/program*"))
        program = os.path.join(self.folder, "program%d" % number)
        subprocess.run(["cc", "-O1", os.path.join(SCRIPTS, "embed.c"), "-o", program, *words, "-ldl", "-lpthread"],
                       check=True)
        return program

    def linked(self, library):
        if library.endswith(".a"):
            return self.compile("-DLINKED", "-no-pie", library, *NEEDED_BY_STATIC)
        return self.compile("-DLINKED", library, "-Wl,-rpath," + os.path.dirname(library))

    def loading(self):
        return self.compile()

    def setup(self, fds):
        """The first Python that runs."""
        return "import sys; sys.argv = ['', %r]; sys.path.insert(0, %r); import common, embedded" % (fds, self.folder)

    @contextlib.contextmanager
    def runs(self, library, program, orders, pipes=()):
        """orders: of embed.c; None among them is replaced by the first Python that runs, a function by what it makes
        of the JSON of the pipes."""
        prefix = "/usr" if library.startswith("/usr/") else os.path.dirname(os.path.dirname(library))

        def command(fds):
            words = [self.setup if word is None else word for word in orders]
            return [program, *(word(fds) if callable(word) else word for word in words)]
        with running(command, kind=Program, pipes=pipes, env={"PYTHONHOME": prefix}) as target:
            yield target

    def remove(self):
        shutil.rmtree(self.folder)
