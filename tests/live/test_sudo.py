"""gilspy run by sudo: as an ordinary user it looks at that user's processes and at others', and leaves the user files
that are the user's."""
import json
import os
import pwd
import shutil

import pytest

import gilspy
import spaces
from spaces import choose
from target import running

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user"),
              pytest.mark.skipif(not shutil.which("sudo"), reason="sudo is not installed")]
USER = pwd.getpwnam("nobody")
AS_USER = ["setpriv", "--reuid=%d" % USER.pw_uid, "--regid=%d" % USER.pw_gid, "--clear-groups"]
RULES = "nobody ALL = NOPASSWD: ALL\n"


@pytest.fixture
def sudo(tmp_path):
    """The words that make `nobody` run something by sudo, by rules that are not the machine's."""
    rules = tmp_path / "sudoers"
    rules.write_text(RULES)
    rules.chmod(0o440)
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/sudoers && exec "$@"', str(rules), *AS_USER,
            "sudo", "-n"]


@pytest.fixture
def drawer(folders):
    """A folder of the user's."""
    folder = os.path.join(folders.of(choose("3.11", "system")), "drawer")
    os.mkdir(folder)
    os.chown(folder, USER.pw_uid, USER.pw_gid)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("theirs", [AS_USER, spaces.AS_USER, []], ids=["own", "another", "root"])
def test_dump(folders, program, sudo, drawer, theirs):
    python = choose("3.11", "system")
    path = os.path.join(drawer, "dump.json")
    with running(spaces.Elsewhere(python, theirs), folders, "states.py", "idle", pipes=["begin"]) as target:
        target.wait_idle()
        plain = gilspy.run("dump", "-j", "-p", target.pid, wrap=AS_USER, program=program)
        assert plain.returncode == (0 if theirs == AS_USER else 4)
        done = gilspy.run("dump", "-j", "-p", target.pid, "-o", path, wrap=sudo, program=program)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        with open(path) as file:
            document = json.load(file)
        gilspy.check(document)
        assert {thread["tid"] for thread in document["threads"]} == set(target.began["tids"].values())
        made = os.stat(path)
        assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (USER.pw_uid, USER.pw_gid, 0o644)
        rows = json.loads(gilspy.run("ps", "-j", "-p", target.pid, wrap=sudo, program=program).stdout)["processes"]
        assert [row["watchable"] for row in rows] == [True]


def test_file_that_is_there(folders, program, sudo, drawer):
    """It stays whose it is."""
    path = os.path.join(drawer, "dump.txt")
    with open(path, "w"):
        os.chmod(path, 0o600)
    with running(choose("3.11", "system"), folders, "states.py", "idle", pipes=["begin"]) as target:
        target.wait_idle()
        assert gilspy.run("dump", "-p", target.pid, "-o", path, wrap=sudo, program=program).returncode == 0
    kept = os.stat(path)
    assert (kept.st_uid, kept.st_gid, kept.st_mode & 0o777) == (0, 0, 0o600) and kept.st_size > 0
