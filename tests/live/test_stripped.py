"""Pythons without their symbols: a stripped copy is seen as well as the original."""
import os
import shutil
import subprocess

import pytest

import gilspy
import test_gil
from target import running, until


def is_stripped(path):
    sections = subprocess.run(["readelf", "-SW", path], stdout=subprocess.PIPE, check=True, text=True).stdout
    return " .symtab " not in sections


@pytest.fixture
def stripped(python, folders):
    """(arguments of running, the file that must be mapped) of a stripped copy, or of one that comes stripped."""
    original = os.path.realpath(python.library or python.path)
    if is_stripped(original):
        yield {}, original
        return
    folder = os.path.join(folders.of(python), "stripped")
    os.makedirs(folder, exist_ok=True)
    copy = os.path.join(folder, os.path.basename(original))
    shutil.copy(original, copy)
    subprocess.run(["strip", copy], check=True)
    assert is_stripped(copy)
    if python.library:
        yield {"env": {"LD_LIBRARY_PATH": folder}}, copy
    else:
        yield {"path": copy, "env": {"PYTHONHOME": "/usr"}}, copy
    shutil.rmtree(folder)


def test_holder_and_stacks(python, folders, stripped):
    options, copy = stripped
    with running(python, folders, "gil.py", pipes=test_gil.PIPES, **options) as target:
        with open("/proc/%d/maps" % target.pid) as file:
            assert copy in file.read()
        tids = target.began["tids"]
        until(lambda: all(target.call_of(tid) for tid in tids.values()), "all threads to sleep")
        document = gilspy.dump(target.pid)
        assert document["process"]["python"] == python.version
        assert test_gil.gil_of(document)["state"] == "free"
        holder = test_gil.let_hold(target)
        test_gil.let_contend(target)
        document = gilspy.dump(target.pid)
        threads = gilspy.threads_by_name(document)
        assert test_gil.gil_of(document)["holder"] == holder and threads["holder"]["gil"] == "holds"
        assert {name for name, thread in threads.items() if thread["gil"] == "waits"} == set(test_gil.VICTIMS)
        functions = {name: [frame["function"] for frame in thread["frames"]] for name, thread in threads.items()}
        assert functions["holder"][:2] == ["wait_holding", "hold"]
        assert functions["locked"][0] == "block_on_lock"
        for name in test_gil.VICTIMS:
            assert functions[name][:2] == ["wait", "take_turns"]
