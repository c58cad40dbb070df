"""The interpreter's file is deleted, or another one takes its place, as in an upgrade, while it runs."""
import os
import shutil
import signal

import pytest

import gilspy
import spaces
import test_gil
from spaces import choose, standing
from target import until

pytestmark = pytest.mark.slow

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives up some of its rights")
# Who may not follow /proc/PID/map_files, the only way to a library that was deleted.
NO_ADMIN = ["setpriv", "--bounding-set=-sys_admin,-checkpoint_restore"]


def rename_over(path, other):
    shutil.copy(other, path + ".new")
    os.rename(path + ".new", path)


def upgrade(path, other):
    """What dpkg does: the old one has a second name while the new one is moved to its place."""
    shutil.copy(other, path + ".dpkg-new")
    os.link(path, path + ".dpkg-tmp")
    os.rename(path + ".dpkg-new", path)
    os.unlink(path + ".dpkg-tmp")


WAYS = {"deleted": lambda path, other: os.unlink(path), "replaced": rename_over, "upgraded": upgrade}
CASES = [("2.7", "pyenv"), ("3.6", "pyenv"), ("3.8", "pyenv"), ("3.13", "pyenv"), ("3.11", "system"),
         ("3.9", "bullseye"), ("3.14", "sid")]


def copy_of(python, folders):
    """A copy of the file that holds the interpreter, and how to run Python by it."""
    original = os.path.realpath(python.library or python.path)
    folder = os.path.join(folders.of(python), "copy")
    os.makedirs(folder, exist_ok=True)
    copy = shutil.copy(original, os.path.join(folder, os.path.basename(original)))
    os.chmod(copy, 0o755)
    if python.library:
        return copy, {"env": {"LD_LIBRARY_PATH": folder}}
    return copy, {"path": copy, "env": {"PYTHONHOME": "/usr"}}


def wait_deleted(pid, name):
    def gone():
        with open("/proc/%d/maps" % pid) as file:
            return [line for line in file if line.rstrip().endswith(name + " (deleted)")]
    until(gone, "the file to be mapped, and deleted")


def check(place, python, wrap=(), program=gilspy.PROGRAM):
    """A waiter that wakes for a moment, because its wait timed out, may be unknown where the count of them is."""
    def all_wait():
        document = gilspy.dump(place.target.pid, wrap=wrap, program=program)
        assert document["process"]["python"] == python.version
        gil, words = test_gil.gil_of(document), test_gil.words_of(document)
        assert gil["holder"] == place.target.began["tids"]["holder"] and words["holder"] == "holds"
        waiting = [words[name] for name in test_gil.VICTIMS]
        assert set(waiting) <= {"waits", "unknown"}
        return gil if waiting == ["waits"] * 3 else None
    return until(all_wait, "three that wait")


@pytest.mark.parametrize("case", CASES, ids="-".join)
@pytest.mark.parametrize("way", WAYS)
def test_replaced(folders, case, way):
    python, other = choose(*case), choose("3.12", "pyenv").library
    copy, options = copy_of(python, folders)
    with standing(python, folders, **options) as place:
        WAYS[way](copy, other)
        wait_deleted(place.target.pid, os.path.basename(copy))
        test_gil.let_hold(place.target)
        test_gil.let_contend(place.target)
        gil = check(place, python)
        assert (gil["switches"] is None) == (python.major == 2)  # in 3.6 only the file tells where they are
        exe = gilspy.dump(place.target.pid)["process"]["exe"]
        assert exe == (os.path.realpath(python.path) if python.library else copy)
        if os.geteuid() == 0:
            gil = check(place, python, NO_ADMIN)
            assert (gil["switches"] is None) == (python.major == 2 or python.at_least == (3, 6))
        line = gilspy.run("dump", "-p", place.target.pid).stdout.splitlines()[1]
        assert line.startswith("Python %s, " % python.version) and copy + ";" in line


@needs_root
@pytest.mark.parametrize("way", WAYS)
def test_as_its_user(folders, program, way):
    """An ordinary user looks at a process of his: of 3.6 that shows less, but nothing wrong."""
    python, other = choose("3.6", "pyenv"), choose("3.12", "pyenv").library
    copy, options = copy_of(python, folders)
    # The user may not go where pyenv is.
    prefix, view = os.path.dirname(os.path.dirname(os.path.realpath(python.path))), folders.of(python) + "/prefix"
    os.makedirs(view, exist_ok=True)
    lead = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', prefix, view]
    options["env"]["PYTHONHOME"] = view
    place_of_it = spaces.Elsewhere(python, lead + spaces.AS_USER)
    with standing(place_of_it, folders, path=view + "/bin/python3.6", **options) as place:
        test_gil.let_hold(place.target)
        test_gil.let_contend(place.target)
        assert check(place, python, spaces.AS_USER, program)["switches"] is not None
        WAYS[way](copy, other)
        wait_deleted(place.target.pid, os.path.basename(copy))
        gil = check(place, python, spaces.AS_USER, program)
        assert (gil["switches"], gil["interval_us"]) == (None, 5000)
        assert check(place, python)["switches"] is not None


@needs_root
def test_program_as_its_user(folders, program):
    """A program that was deleted is still found through /proc/PID/exe, by everybody who may look at it."""
    python = choose("3.11", "system")
    copy, options = copy_of(python, folders)
    with standing(spaces.Elsewhere(python, spaces.AS_USER), folders, **options) as place:
        upgrade(copy, choose("3.12", "pyenv").library)
        wait_deleted(place.target.pid, os.path.basename(copy))
        test_gil.let_hold(place.target)
        test_gil.let_contend(place.target)
        assert check(place, python, spaces.AS_USER, program)["switches"] is not None


def test_overwritten(folders):
    """In place, so that the process itself has lost it: it is not called no Python without a word of that."""
    python = choose("3.11", "pyenv")
    copy, options = copy_of(python, folders)
    with standing(python, folders, **options) as place:
        os.kill(place.target.pid, signal.SIGSTOP)
        until(lambda: place.target.state()[0] == "T", "it to stop")
        os.truncate(copy, 0)
        done = gilspy.run("dump", "-p", place.target.pid)
        assert (done.returncode, done.stdout) == (5, "")
        assert done.stderr.endswith(" maps %s, but no interpreter is found in it. Was the file overwritten while it "
                                    "ran?\n" % copy)
