"""What a user meets who asks about many processes at once: --name, --cgroup, tables of all, dump --merge."""
import json
import os
import subprocess

import pytest

import gilspy

PYTHON = "/usr/bin/python3"
WAITS = "import sys\nprint(flush=True)\nsys.stdin.readline()\n"


@pytest.fixture
def family(tmp_path):
    """family(source, count, environment): so many processes of a script of a name of its own, which is returned with
    them, when each has printed a line."""
    begun = []

    def begin(source=WAITS, count=1, name="family-%d.py" % os.getpid(), environment=lambda i: {}):
        script = tmp_path / name
        script.write_text(source)
        members = [subprocess.Popen([PYTHON, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    env={**os.environ, **environment(i)}) for i in range(count)]
        begun.extend(members)
        for member in members:
            assert member.stdout.readline()
        return name, [member.pid for member in members]
    yield begin
    for member in begun:
        member.kill()
        member.communicate()


# ---- who is meant ----

@pytest.mark.parametrize("command", [["dump"], ["why", "-d", "100ms"], ["stat", "-d", "100ms"]])
def test_by_name(family, command):
    name, pids = family(count=2)
    done = gilspy.run(*command, "--json", "--name", name)
    assert (done.returncode, done.stderr) == (0, "")
    documents = json.loads(done.stdout)["processes"]
    assert sorted(one["process"]["pid"] if "process" in one else one["pid"] for one in documents) == sorted(pids)


def test_one_that_was_found_is_a_list_too(family):
    name, [pid] = family()
    done = gilspy.run("dump", "--json", "--name", name)
    assert [one["process"]["pid"] for one in json.loads(done.stdout)["processes"]] == [pid]


def test_ps_of_a_name(family):
    name, pids = family(count=2)
    rows = json.loads(gilspy.run("ps", "--json", "--name", name[:-3] + ".*").stdout)["processes"]
    assert sorted(row["pid"] for row in rows) == sorted(pids)


def test_who_is_no_python_is_passed_over(family, tmp_path):
    """A shell has the script in its command line, too."""
    name, pids = family(count=1)
    with subprocess.Popen(["/bin/sh", "-c", "echo; read line # " + name], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as shell:
        shell.stdout.readline()
        done = gilspy.run("dump", "--json", "--name", name)
        alone = gilspy.run("dump", "--name", "read line # " + name)
        shell.kill()
    assert (done.returncode, done.stderr) == (0, "")
    assert [one["process"]["pid"] for one in json.loads(done.stdout)["processes"]] == pids
    assert alone.returncode == 5 and "what was found is no Python" in alone.stderr and alone.stdout == ""


def test_nobody_is_found():
    done = gilspy.run("dump", "--name", "nobody-is-called-[l]ike-this")
    assert done.returncode == 3 and done.stdout == ""
    assert done.stderr.startswith("gilspy: there is no process with 'nobody-is-called-[l]ike-this' in its command line")


def test_by_cgroup(family):
    _, [pid] = family()
    with open("/proc/%d/cgroup" % pid) as file:
        path = file.readline().rstrip("\n").split(":", 2)[2]
    done = gilspy.run("ps", "--json", "--cgroup", path)
    assert done.returncode == 0 and pid in [row["pid"] for row in json.loads(done.stdout)["processes"]]
    done = gilspy.run("ps", "--cgroup", "/there/is/no/such/cgroup")
    assert done.returncode == 3 and "in the cgroup /there/is/no/such/cgroup" in done.stderr
