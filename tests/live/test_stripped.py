"""Pythons without their symbols: a copy that is stripped, one that tells nothing by name at all, and one inside of a
program that exports nothing are seen as well as the original."""
import glob
import os
import shutil
import subprocess

import pytest

import gilspy
import pythons
import test_gil
from target import running, until

HOST = """#include <Python.h>
int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }
"""
E_SHOFF, E_SHENTSIZE = 40, 58  # in an ELF header of 64 bits: 8 bytes, and 6 with those behind it


def is_stripped(path):
    sections = subprocess.run(["readelf", "-SW", path], stdout=subprocess.PIPE, check=True, text=True).stdout
    return " .symtab " not in sections


def cut(path):
    """Strips a program, and takes the table of its sections away."""
    subprocess.run(["strip", path], check=True)
    with open(path, "r+b") as file:
        for at, size in (E_SHOFF, 8), (E_SHENTSIZE, 6):
            file.seek(at)
            file.write(bytes(size))
    headers = subprocess.run(["readelf", "-SW", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert "no sections" in headers.stdout


class Copies:
    """Copies of the file that a Python is in, and how to run with them."""
    def __init__(self, python, folders):
        self.python, self.original = python, os.path.realpath(python.library or python.path)
        self.folder = os.path.join(folders.of(python), "copies")
        os.makedirs(self.folder)

    def make(self, name):
        """(arguments of running, the copy)"""
        copy = os.path.join(self.folder, name)
        shutil.copy(self.original, copy)
        if not self.python.library:
            return {"path": copy, "env": {"PYTHONHOME": self.python.prefix}}, copy
        if name != os.path.basename(self.original):
            os.symlink(name, os.path.join(self.folder, os.path.basename(self.original)))
        return {"env": {"LD_LIBRARY_PATH": self.folder}}, copy


@pytest.fixture
def copies(python, folders):
    made = Copies(python, folders)
    yield made
    shutil.rmtree(made.folder)


def check(python, target, copy, weak=False):
    """Nobody holds the GIL, then one does while three wait. weak: not all of that can be known."""
    with open("/proc/%d/maps" % target.pid) as file:
        assert copy in file.read()
    tids = target.began["tids"]
    until(lambda: all(target.call_of(tid) for tid in tids.values()), "all threads to sleep")
    document = gilspy.dump(target.pid)
    assert document["process"]["python"] == python.version
    assert test_gil.gil_of(document)["state"] in [python.free] + ["unknown"] * weak
    holder = test_gil.let_hold(target)
    if python.has_gil:
        test_gil.let_contend(target)
    document = gilspy.dump(target.pid)
    threads = gilspy.threads_by_name(document)
    functions = {name: [frame["function"] for frame in thread["frames"]] for name, thread in threads.items()}
    assert functions["holder"][:2] == ["wait_holding", "hold"]
    assert functions["locked"][0] == "block_on_lock"
    for name in test_gil.VICTIMS:
        assert functions[name][:2] == ["wait", "take_turns"]
    if not python.has_gil:
        assert test_gil.gil_of(document)["state"] == "disabled"
        return
    seen = {"waits", "unknown"} if weak else {"waits"}
    assert test_gil.gil_of(document)["holder"] == holder and threads["holder"]["gil"] == "holds"
    until(lambda: {test_gil.words_of(gilspy.dump(target.pid))[name] for name in test_gil.VICTIMS} <= seen,
          "three that wait")
    others = {threads[name]["gil"] for name in threads if name not in test_gil.VICTIMS and name != "holder"}
    assert others <= {"without"} | ({"unknown"} if weak else set())


def test_stripped(python, folders, copies):
    options, copy = copies.make(os.path.basename(copies.original))
    if is_stripped(copies.original):
        options, copy = {}, copies.original
    else:
        subprocess.run(["strip", copy], check=True)
        assert is_stripped(copy)
    with running(python, folders, "gil.py", pipes=test_gil.PIPES, **options) as target:
        check(python, target, copy)


def test_nameless(python, folders, copies):
    """No section, no symbol, and no name that says that it is a Python. 2.7 keeps who holds the GIL and on what the
    others wait in variables that cannot always be told from others."""
    options, copy = copies.make("engine")
    cut(copy)
    with running(python, folders, "wiped.py", pipes=test_gil.PIPES, **options) as target:
        check(python, target, copy, weak=python.major == 2)


@pytest.mark.parametrize("flag, suffix", [("-no-pie", ""), ("-pie", "-pic")], ids=["fixed", "pie"])
def test_embedded(folders, tmp_path, flag, suffix):
    """A program with a Python in it that exports none of its symbols."""
    python = pythons.Python("/usr/bin/python3", "", "system")
    archives = glob.glob("/usr/lib/python%d.%d/config-*/libpython*%s.a" % (python.at_least + (suffix,)))
    if not archives:
        pytest.skip("libpython%s.a of %s is not installed" % (suffix, python.path))
    archive = min(archives, key=len)
    source, program = tmp_path / "host.c", tmp_path / "host"
    source.write_text(HOST)
    include = subprocess.run(python.command("-c", "import sysconfig; print(sysconfig.get_path('include'))"),
                             stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    subprocess.run(["cc", flag, "-I" + include, str(source), archive, "-o", str(program), "-lexpat", "-lz", "-lm"],
                   check=True)
    cut(str(program))
    with running(python, folders, "plain.py", pipes=["park"], path=str(program)) as target:
        tids = target.began["tids"]
        target.wait_reading(tids["sleep"], "park")
        target.wait_idle()
        document = until_held(target, tids["spin"])
        threads = gilspy.threads_by_name(document)
        assert document["process"]["python"] == python.version and document["process"]["layout"] == "table"
        assert {name: thread["tid"] for name, thread in threads.items()} == tids
        assert threads["sleep"]["gil"] == threads["MainThread"]["gil"] == "without"
        assert threads["sleep"]["frames"][0]["function"] == "sleep"
        assert "spin" in [frame["function"] for frame in threads["spin"]["frames"]]


def until_held(target, tid):
    """A dump in which that thread holds the GIL: one that computes lets it go for a moment now and then."""
    def held():
        document = gilspy.dump(target.pid)
        return document if test_gil.gil_of(document)["holder"] == tid else None
    return until(held, "the GIL to be held")
