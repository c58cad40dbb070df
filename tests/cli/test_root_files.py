"""Root writes into a directory where others may, who exchange what stands there while it does."""
import fcntl
import os
import pwd
import shutil
import tempfile

import pytest

import gilspy
import recording
import stepping
from target import running
from test_errors import check_failure

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has files that others would like to have")
USER = pwd.getpwnam("nobody")
SECRET = "root:secret\n"


@pytest.fixture(autouse=True)
def no_leak_search(monkeypatch):
    """The search of a build with sanitizers cannot be done in a program that is traced."""
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")


def mine(path):
    about = os.lstat(path)
    return about.st_ino, about.st_uid, about.st_gid, about.st_mode, open(path).read()


class Place:
    """A directory as /tmp, with root's file somewhere else."""
    def __init__(self, mode, owner):
        self.base = tempfile.mkdtemp()
        os.chmod(self.base, 0o755)
        self.safe = os.path.join(self.base, "safe")
        self.folder = os.path.join(self.base, "open")
        os.mkdir(self.safe, 0o700)
        os.mkdir(self.folder)
        os.chmod(self.folder, mode)
        os.chown(self.folder, owner, owner)
        self.target = os.path.join(self.safe, "shadow")
        with open(self.target, "w") as file:
            file.write(SECRET)
        os.chmod(self.target, 0o600)
        self.before = mine(self.target)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def file(self, *names, owner=USER.pw_uid, mode=0o644, text="theirs"):
        with open(self.path(*names), "w") as file:
            file.write(text)
        os.chmod(file.name, mode)
        os.chown(file.name, owner, owner)
        return file.name

    def link(self, to, *names, owner=USER.pw_uid):
        path = self.path(*names)
        os.symlink(to, path)
        os.lchown(path, owner, owner)
        return path

    def check(self):
        assert mine(self.target) == self.before and os.listdir(self.safe) == ["shadow"]


@pytest.fixture(params=[(0o1777, 0), (0o777, 0), (0o1777, USER.pw_uid), (0o775, 0)],
                ids=["sticky", "open", "theirs", "group"])
def place(request):
    made = Place(*request.param)
    yield made
    shutil.rmtree(made.base)


@pytest.fixture
def tmp():
    """As /tmp is."""
    made = Place(0o1777, 0)
    yield made
    shutil.rmtree(made.base)


@pytest.fixture(scope="module")
def made(system_python, folders, tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "run.gilspy"
    with running(system_python, folders, "states.py", "spin", pipes=["begin"]) as target:
        target.wait_idle()
        recording.record(target.pid, path, "-r", 100, "-d", "100ms")
    return path


def each_stop(words, tmp, act):
    """Runs the program anew for each of its stops; the exit statuses."""
    number, came, statuses = 0, True, []
    while came:
        number += 1
        undo = act(prepare=True)
        status, came = stepping.run(words, os.path.basename(tmp.base), number, act)
        statuses.append(status)
        tmp.check()
        undo()
    return statuses


@pytest.mark.parametrize("first", ["file", "link"])
@pytest.mark.slow
def test_exchanged(tmp, made, first):
    """What stands there is another user's file at one moment and a link to root's at the next."""
    def act(prepare=False):
        if not prepare:
            return stepping.exchange(tmp.path("out.folded"), tmp.path("other"))
        tmp.file("out.folded" if first == "file" else "other")
        tmp.link(tmp.target, "other" if first == "file" else "out.folded")
        return lambda: [os.unlink(tmp.path(name)) for name in os.listdir(tmp.folder)]

    statuses = each_stop([gilspy.PROGRAM, "report", made, "-q", "-o", tmp.path("out.folded")], tmp, act)
    assert len(statuses) > 20 and set(statuses) == {0, 1}


@pytest.mark.slow
def test_folder_exchanged(tmp, made):
    """So does a directory on the way."""
    def act(prepare=False):
        if not prepare:
            return stepping.exchange(tmp.path("sub"), tmp.path("other"))
        os.mkdir(tmp.path("sub"))
        os.chown(tmp.path("sub"), USER.pw_uid, USER.pw_gid)
        tmp.file("sub", "shadow")
        tmp.link(tmp.safe, "other")

        def undo():
            for name in os.listdir(tmp.folder):
                path = tmp.path(name)
                os.unlink(path) if os.path.islink(path) else shutil.rmtree(path)
        return undo

    statuses = each_stop([gilspy.PROGRAM, "report", made, "-q", "-f", "folded", "-o", tmp.path("sub", "shadow")], tmp, act)
    assert len(statuses) > 20 and set(statuses) == {0, 1}


@pytest.mark.slow
def test_part_exchanged(tmp, spinning):
    """A recording grows in a file whose name is known beforehand."""
    def act(prepare=False):
        if not prepare:
            return stepping.exchange(tmp.path("run.gilspy.part"), tmp.path("other")) \
                if os.path.lexists(tmp.path("run.gilspy.part")) else None
        tmp.link(tmp.target, "other")
        return lambda: [os.unlink(tmp.path(name)) for name in os.listdir(tmp.folder)]

    words = [gilspy.PROGRAM, "record", "-q", "-p", str(spinning.pid), "-d", "20ms", "-o", tmp.path("run.gilspy")]
    for number in range(1, 40):
        undo = act(prepare=True)
        stepping.run(words, os.path.basename(tmp.base), number, act)
        tmp.check()
        undo()


def draw(made, path, **options):
    return gilspy.run("report", made, "-q", "-f", "folded", "-o", path, **options)


def test_links(place, made):
    """A link is followed where the kernel would, or it is refused."""
    path = place.link(place.target, "out")
    done = draw(made, path)
    if os.stat(place.folder).st_uid == USER.pw_uid:  # theirs to decide
        assert done.returncode == 0 and os.path.islink(path) and os.stat(place.target).st_uid == 0
        return
    check_failure(done, 1, path + " is a link of nobody in a directory that others may write to", "directory of your own")
    place.check()
    own = place.link(place.target, "own", owner=0)
    assert draw(made, own).returncode == 0
    assert os.path.islink(own) and open(place.target).read() != SECRET
    assert os.stat(place.target).st_mode & 0o777 == 0o600


def test_dangling(tmp, made):
    """A link that leads nowhere means what it names."""
    own = tmp.link("new.folded", "own", owner=0)
    assert draw(made, own).returncode == 0
    assert os.readlink(own) == "new.folded" and os.path.getsize(tmp.path("new.folded")) > 0
    theirs = tmp.link(os.path.join(tmp.safe, "new"), "theirs")
    check_failure(draw(made, theirs), 1, "is a link of nobody")
    check_failure(draw(made, tmp.link("round", "round", owner=0)), 1, "Too many levels of symbolic links")
    tmp.check()


@pytest.mark.parametrize("mode, left", [(0o644, 0o644), (0o666, 0o644), (0o4777, 0o644), (0o660, 0o600), (0o600, 0o600)])
def test_file_of_another(tmp, made, mode, left):
    """The new file is the writer's, with no more rights than the old one had and than a new one would have."""
    path = tmp.file("out", mode=mode)
    assert draw(made, path).returncode == 0
    about = os.stat(path)
    assert (about.st_uid, about.st_gid, about.st_mode & 0o7777) == (0, os.getegid(), left)


def test_own_file_keeps_its_group(tmp, made):
    path = tmp.file("out", owner=0, mode=0o640)
    os.chown(path, 0, USER.pw_gid)
    assert draw(made, path).returncode == 0
    about = os.stat(path)
    assert (about.st_uid, about.st_gid, about.st_mode & 0o7777) == (0, USER.pw_gid, 0o640)


@pytest.mark.parametrize("owner, given", [(None, True), (USER.pw_uid, True), (0, False), (4000, False)])
def test_sudo(tmp, made, owner, given):
    """A new file, and one that replaces a file of his, is given to the user of sudo; nothing else."""
    path = tmp.path("out") if owner is None else tmp.file("out", owner=owner)
    env = dict(os.environ, SUDO_UID=str(USER.pw_uid), SUDO_GID=str(USER.pw_gid))
    assert draw(made, path, env=env).returncode == 0
    assert os.stat(path).st_uid == (USER.pw_uid if given else 0)


def test_fifo_of_another(tmp, made):
    os.mkfifo(tmp.path("out"))
    os.chown(tmp.path("out"), USER.pw_uid, USER.pw_gid)
    check_failure(draw(made, tmp.path("out"), timeout=20), 1, "Operation not permitted")


@pytest.mark.parametrize("kind", ["locked", "left", "fifo", "link"])
def test_part_of_another(tmp, spinning, kind):
    """It is named at once, and neither written to nor removed."""
    path, part = tmp.path("run.gilspy"), tmp.path("run.gilspy.part")
    if kind == "fifo":
        os.mkfifo(part)
        os.chown(part, USER.pw_uid, USER.pw_gid)
    elif kind == "link":
        tmp.link(tmp.target, "run.gilspy.part")
    else:
        tmp.file("run.gilspy.part", owner=0 if kind == "locked" else USER.pw_uid)
    held = open(part, "r+") if kind == "locked" else None
    if held:
        fcntl.flock(held, fcntl.LOCK_EX)
    before = os.lstat(part)
    done = gilspy.run("record", "-p", spinning.pid, "-d", "1ms", "-o", path, timeout=20)
    check_failure(done, 1, part, "is being written by another run" if held else "which nobody put there")
    assert os.lstat(part).st_ino == before.st_ino and sorted(os.listdir(tmp.folder)) == ["run.gilspy.part"]
    tmp.check()
