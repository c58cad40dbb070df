"""Pythons in other pid and mount namespaces, in chroots, in both, seen from outside and from inside."""
import json
import os
import re

import pytest

import gilspy
import spaces
import test_gil
from spaces import choose, run_inside, standing
from target import running, until

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces"), pytest.mark.slow]
PLAIN = ["unshare", "--mount"]
STAYS = ["sh", "-c", '"$@"; exit', "sh"]  # a process that is in the space, and not on its way into the next one


def chrooted(python):
    return spaces.Elsewhere(python, spaces.PID + ["--mount-proc=%s/proc" % python.root])


# How it is started; whether it has a pid namespace of its own; whether that is a container to us.
KINDS = {
    "mount": (lambda python: spaces.Elsewhere(python, PLAIN), False, True),
    "pid": (lambda python: spaces.Elsewhere(python, spaces.PID), True, True),
    "three-levels": (lambda python: spaces.Elsewhere(python, spaces.PID + spaces.PID), True, True),
    "chroot": (lambda python: python, False, False),
    "chroot-pid": (chrooted, True, True),
    "pivot": (spaces.with_root, True, True),
}
CASES = [("mount", "3.6", "pyenv"), ("pid", "2.7", "pyenv"), ("pid", "3.6", "pyenv"), ("pid", "3.11", "system"),
         ("pid", "3.13", "pyenv"), ("three-levels", "3.8", "pyenv"), ("three-levels", "3.12", "pyenv"),
         ("chroot", "2.7", "bullseye"), ("chroot", "3.14", "sid"), ("chroot-pid", "3.9", "bullseye"),
         ("chroot-pid", "3.15", "sid"), ("pivot", "2.7", "bullseye"), ("pivot", "3.14", "sid")]


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request, folders):
    kind, version, where = request.param
    python = choose(version, where)
    lead, nested, container = KINDS[kind]
    with standing(lead(python), folders) as place:
        place.kind, place.python, place.nested, place.container = kind, python, nested, container
        yield place


def check_identity(document, python, pid, ns_pid, tids, ns_tids):
    process = document["process"]
    assert (process["pid"], process["ns_pid"], process["python"]) == (pid, ns_pid, python.version)
    threads = gilspy.threads_by_name(document)
    assert {name: thread["tid"] for name, thread in threads.items()} == tids
    assert {name: thread["ns_tid"] for name, thread in threads.items()} == ns_tids
    assert [name for name, thread in threads.items() if thread["main"]] == ["MainThread"]


def check_contended(document):
    words = test_gil.words_of(document)
    assert words == {"holder": "holds", **dict.fromkeys(test_gil.VICTIMS, "waits"), "MainThread": "without",
                     "locked": "without", "sleeper": "without", "computer": "without"}
    functions = {thread["name"]: [frame["function"] for frame in thread["frames"]] for thread in document["threads"]}
    assert functions["holder"][:2] == ["wait_holding", "hold"] and functions["MainThread"][-1] == "<module>"
    assert {frame["file"] for thread in document["threads"] for frame in thread["frames"]} - {None}


def check_outside(place):
    target, python = place.target, place.python
    document = gilspy.dump(target.pid)
    check_identity(document, python, target.pid, place.ns_pid, target.began["tids"], place.inside)
    assert document["process"]["container"] is place.container
    check_contended(document)
    text = gilspy.run("dump", "-p", target.pid).stdout
    assert text.startswith("Process %d%s: " % (target.pid, " (%d in its container)" % place.ns_pid
                                               if place.nested else ""))
    holder = target.began["tids"]["holder"]
    assert re.search(r'^GIL: held by %d "holder"; 3 threads wait for it$' % holder, text, re.M)
    screen = gilspy.run("top", "--once", "-d", "0.1", "-p", target.pid).stdout
    assert re.search(r" %d +holder " % holder, screen) and "pid %d " % target.pid in screen
    row, = json.loads(gilspy.run("ps", "-j", "-p", target.pid).stdout)["processes"]
    assert (row["pid"], row["ns_pid"], row["python"]) == (target.pid, place.ns_pid, python.version)
    assert (row["gil"], row["holder"], row["threads"]) == ("held", holder, 8)


def check_inside(place):
    """gilspy sees there what the process sees of itself."""
    target, pivot = place.target, place.kind == "pivot"
    done = run_inside(target.pid, "dump", "-j", "-p", place.ns_pid, pivot=pivot)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    gilspy.check(document)
    check_identity(document, place.python, place.ns_pid, place.ns_pid, place.inside, place.inside)
    assert document["process"]["container"] is False
    check_contended(document)
    done = run_inside(target.pid, "ps", "-j", pivot=pivot)
    rows = {row["pid"]: row for row in json.loads(done.stdout)["processes"]}
    assert rows[place.ns_pid]["holder"] == place.inside["holder"]


def test_contended(case):
    test_gil.let_hold(case.target)
    test_gil.let_contend(case.target)
    check_outside(case)
    if case.nested and case.kind != "chroot-pid":  # gilspy's libraries are not in the chroot
        check_inside(case)


def test_level_between(folders):
    """From the middle one of three pid namespaces: neither the outer numbers nor the innermost ones."""
    python = choose("3.8", "pyenv")
    with standing(spaces.Elsewhere(python, spaces.PID + STAYS + spaces.PID), folders) as place:
        target = place.target
        ids = {name: spaces.ids_of("/proc/%d/task/%d" % (target.pid, tid))
               for name, tid in target.began["tids"].items()}
        assert {len(each) for each in ids.values()} == {3}
        shell = spaces.parent(spaces.parent(target.pid))
        done = run_inside(shell, "dump", "-j", "-p", ids["MainThread"][1])
        assert (done.returncode, done.stderr) == (0, "")
        document = json.loads(done.stdout)
        gilspy.check(document)
        check_identity(document, python, ids["MainThread"][1], ids["MainThread"][2],
                       {name: each[1] for name, each in ids.items()}, place.inside)
        assert document["process"]["container"] is True


def test_kernel_that_does_not_translate(folders, monkeypatch):
    """Linux before 6.11 has no call that translates ids: the status files tell them too."""
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")  # it cannot look for leaks under strace
    python = choose("3.11", "system")
    broken = ["strace", "-f", "-qq", "-e", "trace=ioctl", "-e", "inject=ioctl:error=ENOTTY", "-o", "/dev/null"]
    with standing(spaces.Elsewhere(python, spaces.PID), folders) as place:
        document = gilspy.dump(place.target.pid, wrap=broken)
        check_identity(document, python, place.target.pid, place.ns_pid, place.target.began["tids"], place.inside)


TWINS = """
import ctypes, os, sys
class Arguments(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "pidfd", "child_tid", "parent_tid", "exit_signal",
                                                     "stack", "stack_size", "tls", "set_tid", "set_tid_size")]
both = (ctypes.c_int * 2)(int(sys.argv[1]), int(sys.argv[1]))
arguments = Arguments(exit_signal=17, set_tid=ctypes.addressof(both), set_tid_size=2)
child = ctypes.CDLL(None).syscall(435, ctypes.byref(arguments), ctypes.sizeof(arguments))
if child < 0:
    sys.exit("clone3 failed")
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
os.waitpid(child, 0)
"""


def test_same_number_in_both(folders):
    """That its pid is the same inside and outside does not make its threads' ids the same."""
    python = choose("3.8", "pyenv")
    number = next(number for number in range(31007, 2 ** 15) if not os.path.exists("/proc/%d" % number))
    lead = spaces.PID + ["/usr/bin/python3", "-c", TWINS, str(number)]
    with standing(spaces.Elsewhere(python, lead), folders) as place:
        target = place.target
        assert target.pid == place.ns_pid == number
        assert place.inside["holder"] != target.began["tids"]["holder"]
        check_identity(gilspy.dump(number), python, number, number, target.began["tids"], place.inside)


def test_user_namespace(folders, program):
    """Root in there, an ordinary user outside: seen by root, by that user, and by the root in there."""
    python = choose("3.11", "system")
    lead = spaces.AS_USER + ["unshare", "--user", "--map-root-user"] + spaces.PID[1:]
    with standing(spaces.Elsewhere(python, lead), folders) as place:
        target = place.target
        test_gil.let_hold(target)
        test_gil.let_contend(target)
        for wrap in ([], spaces.AS_USER):
            document = gilspy.dump(target.pid, wrap=wrap, program=program)
            check_identity(document, python, target.pid, place.ns_pid, target.began["tids"], place.inside)
            assert document["process"]["container"] is True
            check_contended(document)
        rows = json.loads(gilspy.run("ps", "-j").stdout)["processes"]
        row, = [row for row in rows if row["pid"] == target.pid]
        assert (row["user"], row["ns_pid"], row["watchable"]) == (str(spaces.USER), place.ns_pid, True)
        inside = ["nsenter", "--target=%d" % target.pid, "--user", "--mount", "--pid", "--preserve-credentials"]
        done = gilspy.run("dump", "-j", "-p", place.ns_pid, wrap=spaces.AS_USER + inside, program=program)
        assert (done.returncode, done.stderr) == (0, "")
        check_identity(json.loads(done.stdout), python, place.ns_pid, place.ns_pid, place.inside, place.inside)


@pytest.mark.parametrize("version", [("2.7", "pyenv"), ("3.8", "pyenv"), ("3.11", "system"), ("3.13", "pyenv")],
                         ids="-".join)
@pytest.mark.parametrize("how", ["python", "c"])
def test_forked_into_a_namespace(folders, version, how):
    """The process is in another namespace than its parent, from which the ids in its memory may be."""
    python = choose(*version)
    with running(python, folders, "unshared.py", pipes=["child"]) as target:
        target.tell("fork", how)
        answers = sorted([target.listen(), target.listen()], key=lambda answer: "answer" in answer)
        child = answers[1]["answer"]
        try:
            assert answers[0] == {"pid": 1, "tid": 1, "late": 2}
            tasks = "/proc/%d/task/" % child
            until(lambda: all(open(tasks + tid + "/syscall").read().startswith("0 ") for tid in os.listdir(tasks)),
                  "the child's threads to read")
            document = gilspy.dump(child)
            main, late = document["threads"]
            assert (main["tid"], main["ns_tid"], main["main"], main["gil"]) == (child, 1, True, "without")
            assert [frame["function"] for frame in main["frames"]] == ["wait", "fork", "serve", "<module>"]
            assert [str(late["tid"])] == [tid for tid in os.listdir(tasks) if int(tid) != child]
            assert (late["ns_tid"], late["frames"][0]["function"]) == (2, "wait")
            assert (document["process"]["ns_pid"], document["process"]["container"]) == (1, True)
            assert {name: thread["tid"] for name, thread in
                    gilspy.threads_by_name(gilspy.dump(target.pid)).items()} == target.began["tids"]
        finally:
            os.kill(child, 9)


def test_overlay(folders, tmp_path):
    """On overlayfs maps and stat tell different devices of one file: its symbols are found nevertheless."""
    python = choose("3.6", "pyenv")
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(python.path)))
    with spaces.overlay(str(tmp_path / "overlay"), prefix) as view:
        env = {"LD_LIBRARY_PATH": view + "/lib", "PYTHONHOME": view}
        with standing(python, folders, path=view + "/bin/python3.6", env=env) as place:
            line, = re.findall(r"^\S+ r-[^\n]* 00000000 (\S+) [^\n]*%s/lib/libpython3" % view,
                               open("/proc/%d/maps" % place.target.pid).read(), re.M)
            number = os.stat(view + "/lib/libpython3.6m.so.1.0").st_dev
            assert line != "%02x:%02x" % (os.major(number), os.minor(number)), "this kernel tells the same device"
            gil = test_gil.gil_of(gilspy.dump(place.target.pid))
            assert gil["switches"] is not None and gil["interval_us"] == 5000  # only the file has these symbols


def test_number_from_inside(folders):
    """Whoever gives the number that it has in its container is told which one it has here."""
    python = choose("3.11", "system")
    with running(spaces.Elsewhere(python, spaces.PID + STAYS), folders, "states.py", "idle", pipes=["begin"]) as target:
        pid = spaces.last_child(target.process.pid)
        inside = spaces.ids_of("/proc/%d" % pid)[-1]
        for command in ("dump", "ps", "record"):
            done = gilspy.run(command, "-p", inside)
            if "cannot read process" in done.stderr:
                pytest.skip("process %d is another one here, which may not be read" % inside)
            assert done.returncode in (3, 5)
            assert re.search(r"\. If %d is its number in a container: it is process [\d, ]*\b%d\b[\d, ]* here$" %
                             (inside, pid), done.stderr.strip())
        done = gilspy.run("dump", "-p", 4000001)
        assert done.stderr == "gilspy: there is no process 4000001\n"


def test_proc_of_another_namespace(tmp_path):
    """Its numbers are not those of our system calls."""
    done = gilspy.run("dump", "-p", 1, wrap=["unshare", "--pid", "--fork"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("gilspy: cannot look at any process: /proc shows another pid namespace than ours. "
                           "Mount the right one: mount -t proc proc /proc\n")
    done = gilspy.run("ps", wrap=["unshare", "--pid", "--fork"])
    assert done.returncode == 1 and "another pid namespace" in done.stderr and "PID" not in done.stdout
    for words in ["record", "-o", "/dev/null", "-f", "folded"], ["stat"], ["trace", "-o", "/dev/null", "-f", "chrome"]:
        done = gilspy.run(*words, "--", "touch", tmp_path / "ran", wrap=["unshare", "--pid", "--fork"])
        assert done.returncode == 1 and "another pid namespace" in done.stderr
        assert not (tmp_path / "ran").exists()  # a program that nobody can look at is not started
    hidden = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
    done = gilspy.run("dump", "-p", 1, wrap=hidden)
    assert done.returncode == 1 and "there is no /proc here" in done.stderr
