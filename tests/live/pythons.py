"""The Pythons of this machine: those of pyenv, of /usr/bin, and what script/setup made below $GILSPY_PYTHONS.

A free-threaded one counts twice: it is tested without its GIL, and with it.

    python3 pythons.py            lists them
    python3 pythons.py --count    counts them
"""
import functools
import glob
import json
import os
import re
import subprocess
import sys
import zlib

EXPECTED = ["2.7"] + ["3.%d" % minor for minor in range(6, 16)] + ["2.7d", "3.9d", "3.13d", "3.14d", "3.15d", "3.13t",
                                                             "3.9musl", "3.13musl"]
CHROOTS = os.environ.get("GILSPY_PYTHONS", "/var/cache/gilspy/pythons")
# 3.7 brought _PyRuntime, 3.11 frames of their own, 3.12 a GIL for each interpreter, 3.13 and 3.14 _Py_DebugOffsets.
GENERATIONS = [(2, 7), (3, 6), (3, 7), (3, 11), (3, 12), (3, 13), (3, 14)]
EXTENTS = ["quick", "usual", "all"]
PROGRAM = re.compile(r"python[23]\.\d+(d|-dbg|t)?$")
THREADED = re.compile(r"\d\.\d+(\.\d+)?t(/|$)")
GILS = {"0": "-nogil", "1": "-gil"}  # PYTHON_GIL -> end of the label
PROBE = """
import json, platform, sys, sysconfig
print(json.dumps([platform.python_version(), list(sys.version_info[:2]), hasattr(sys, "gettotalrefcount"),
                  bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
                  sysconfig.get_config_var("Py_ENABLE_SHARED") == 1 and sysconfig.get_config_var("INSTSONAME") or "",
                  sysconfig.get_config_var("LIBDIR") or "", sys.prefix]))
"""


class Python:
    """One interpreter. path is as seen from this machine's root; root is its chroot, or empty. gil: what PYTHON_GIL is
    to be, empty where there is no choice; has_gil: it runs with one."""
    def __init__(self, path, root, where, gil=""):
        self.path, self.root, self.where = path, root, where
        self.env, self.has_gil = {"PYTHON_GIL": gil} if gil else {}, gil != "0"
        answer = subprocess.run(self.command("-c", PROBE), stdout=subprocess.PIPE, check=True, timeout=180,
                                env={**os.environ, **self.env}).stdout
        self.version, (self.major, self.minor), self.debug, self.threaded, library, folder, self.prefix = \
            json.loads(answer)
        # Debian's programs are static even where the library is there as well.
        self.library = os.path.join(folder, library) if library and where == "pyenv" else None
        letters = ("t" if self.threaded else "") + ("d" if self.debug else "") + ("musl" if where == "musl" else "")
        self.kind = "%d.%d%s" % (self.major, self.minor, letters)
        self.label = "%s%s-%s%s" % (self.version, letters.replace("musl", ""), where, GILS.get(gil, ""))
        self.build = "-".join(["free-threaded"] * self.threaded + ["debug"] * self.debug) or "release"
        # What there is to be seen while nobody holds the GIL, of a thread and of the GIL.
        self.without, self.free = ("without", "free") if self.has_gil else ("none", "disabled")

    def command(self, *args, path=None):
        """The words that run it; path: a copy of it instead."""
        path = path or self.path
        if not self.root:
            return [path, *args]
        return ["chroot", self.root, self.inside(path), *args]

    def inside(self, path):
        """A path of this machine as the interpreter sees it."""
        return "/" + os.path.relpath(path, self.root) if self.root else path

    @property
    def at_least(self):
        return (self.major, self.minor)

    @property
    def generation(self):
        """Those whose interpreter keeps threads, frames and the GIL alike: the first version, "3.13t" for the
        free-threaded ones; and "musl", whose locks are others."""
        if self.threaded or self.where == "musl":
            return "3.13t" if self.threaded else "musl"
        return "%d.%d" % max(first for first in GENERATIONS if first <= self.at_least)


def candidates():
    """(path, chroot, where from, PYTHON_GIL) of each program that may be an interpreter, none twice."""
    found = []
    try:
        root = subprocess.run(["pyenv", "root"], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
        found += [(path, "", "pyenv") for path in glob.glob(root + "/versions/*/bin/python")]
    except (OSError, subprocess.CalledProcessError):
        pass
    for root in [""] + sorted(path for path in glob.glob(CHROOTS + "/*") if not path.endswith(".new")):
        where = os.path.basename(root) or "system"
        found += [(path, root, where) for path in glob.glob(root + "/usr/bin/python*")
                  if PROGRAM.search(path) and (not root or os.geteuid() == 0)]
    for where, pattern in ("built", "/*/bin/python*t"), ("musl", "/musl-*/bin/python*"):
        found += [(path, "", where) for path in glob.glob(CHROOTS + pattern) if PROGRAM.search(path)]
    once = {}
    for path, root, where in sorted(found, key=lambda row: (len(row[0]), row)):
        once.setdefault(os.path.realpath(path), (path, root, where))
    return sorted(row + (gil,) for row in once.values() for gil in (GILS if THREADED.search(row[0]) else [""]))


def chosen(kind):
    """Whether $GILSPY_TEST_PYTHONS ("3.11,2.7d"), if set, names this kind."""
    names = os.environ.get("GILSPY_TEST_PYTHONS")
    return not names or kind in names.split(",")


@functools.lru_cache(None)
def discover():
    """(interpreters, {path: why it does not run}, kinds that are expected but not there)."""
    pythons, broken = [], {}
    for path, root, where, gil in candidates():
        try:
            pythons.append(Python(path, root, where, gil))
        except (OSError, ValueError, subprocess.SubprocessError) as why:
            broken[path] = str(why)
    kinds = {python.kind for python in pythons}
    pythons = [python for python in pythons if chosen(python.kind)]
    pythons.sort(key=lambda python: (python.at_least, python.debug, python.label))
    return pythons, broken, [kind for kind in EXPECTED if kind not in kinds and chosen(kind)]


def extent():
    """How much is tested: $GILSPY_TEST_EXTENT, one of EXTENTS."""
    wanted = os.environ.get("GILSPY_TEST_EXTENT") or "usual"
    if wanted not in EXTENTS:
        raise ValueError("GILSPY_TEST_EXTENT is %s, and none of %s" % (wanted, ", ".join(EXTENTS)))
    return wanted


def spread(pythons, test, each):
    """Those of these Pythons that a test of this name runs with. each: a test that each Python must pass.

    all: all of them. usual: one of each generation, another one for another test, so that all Pythons are met though
    not by each test. quick: the last of each generation, one of these for a test. Those of musl: as each, or all."""
    how, turn = extent(), zlib.crc32(test.encode())
    if how == "all" or (how == "usual" and each):
        return pythons
    pythons = [python for python in pythons if each or python.generation != "musl"]
    generations = {}
    for python in pythons:
        generations.setdefault(python.generation, []).append(python)
    if how == "usual":
        return [alike[turn % len(alike)] for alike in generations.values()]
    last = [([python for python in alike if not python.debug] or alike)[-1] for alike in generations.values()]
    return last if each or not last else [last[turn % len(last)]]


if __name__ == "__main__":
    if sys.argv[1:] == ["--count"]:
        print(len(candidates()))
    else:
        here, wrecks, missing = discover()
        for one in here:
            print("%-16s %s" % (one.label, one.path))
        for place, reason in wrecks.items():
            print("%-16s %s: %s" % ("does not run", place, reason))
        for name in missing:
            print("%-16s is not installed" % name)
