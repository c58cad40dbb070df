"""What a user meets who records: outputs, signals, programs started by it, families, failures."""
import fcntl
import json
import os
import pty
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import termios
import time

import pytest

import gilspy
import recording
from target import running, until
from test_errors import check_failure, free_pid, other  # noqa: F401 (a fixture)

PYTHON = "/usr/bin/python3"
SPIN = "while True: sum(range(1000))"
FOR_A_WHILE = "import time\nend = time.time() + %s\nwhile time.time() < end: sum(range(1000))\n"


def grown(path, size=200):
    """Until a recording has begun to grow in its .part."""
    part = str(path) + ".part"
    until(lambda: os.path.exists(part) and os.path.getsize(part) > size, part + " to grow")
    return part


def end_of(process):
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


# ---- outputs ----

OUTERMOST = (b"Thread._bootstrap (", b"_bootstrap (")  # 3.11 on, and before


@pytest.mark.parametrize("name, begin", [("a.svg", b"<?xml"), ("a.folded", OUTERMOST), ("a.txt", OUTERMOST),
                                         ("a.speedscope.json", b"{"), ("a.gilspy", b"gilspy")])
def test_formats(spinning, tmp_path, name, begin):
    done = gilspy.run("record", *recording.NO_BUDGET, "-p", spinning.pid, "-d", "300ms", "-o", tmp_path / name)
    assert (done.returncode, done.stdout) == (0, "") and done.stderr.count("\n") == 1
    assert done.stderr.startswith("gilspy: %s: 0.3 s, " % (tmp_path / name)) and "\r" not in done.stderr
    assert (tmp_path / name).read_bytes().startswith(begin)
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_summary(spinning, tmp_path):
    document = recording.record(spinning.pid, tmp_path / "a.svg", "-d", "200ms", "-m", "gil", "-r", "max")
    assert (document["pid"], document["format"], document["mode"]) == (spinning.pid, "svg", "gil")
    assert document["rate_hz"] == "max" and document["quality"]["cpu_us"] > 0
    done = gilspy.run("record", "-q", "-p", spinning.pid, "-d", "300ms", "-o", tmp_path / "b.svg")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_all_that_was_counted(spinning, tmp_path):
    done = gilspy.run("record", "-v", "-d", "300ms", "-p", spinning.pid, "-o", tmp_path / "a.folded")
    summary, details = done.stderr.splitlines()
    assert done.returncode == 0 and details.startswith("gilspy: %s: Python 3." % (tmp_path / "a.folded"))
    assert "; asked for 100 samples a second; " in details and " of a processor" in details


def test_to_a_pipe(spinning, tmp_path):
    """A recording on stdout, and the summary beside it."""
    done = gilspy.run("record", "-j", "-p", spinning.pid, "-d", "200ms", "-f", "gilspy", "-o", "-", encoding=None)
    assert done.returncode == 0
    document = json.loads(done.stderr)
    recording.check(document)
    assert document["output"] == "-"
    again = subprocess.run([gilspy.PROGRAM, "report", "-", "-i", "-f", "folded", "-o", "-"], input=done.stdout,
                           stdout=subprocess.PIPE, check=True, timeout=90).stdout.decode()
    stacks = recording.read_folded(again)
    assert any("spin (" in frame for frames in stacks for frame in frames)


def test_name_of_its_own(spinning, tmp_path):
    done = gilspy.run("record", "-p", spinning.pid, "-d", "300ms", cwd=tmp_path)
    name, = os.listdir(tmp_path)
    assert done.returncode == 0 and name.startswith("gilspy-%d-" % spinning.pid) and name.endswith(".svg")
    assert name in done.stderr


@pytest.mark.parametrize("name", ["a.svg", "a.gilspy"])
def test_existing_file(spinning, tmp_path, name):
    """Is replaced, keeps its rights, and a link to it stays one."""
    path, link = tmp_path / ("real-" + name), tmp_path / name
    path.write_text("before")
    path.chmod(0o640)
    link.symlink_to(path)
    assert gilspy.run("record", "-q", "-p", spinning.pid, "-d", "300ms", "-o", link).returncode == 0
    assert link.is_symlink() and path.read_bytes()[:6] != b"before" and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == sorted([path.name, link.name])


@pytest.mark.parametrize("name", ["a.svg", "a.gilspy"])
def test_unwritable(spinning, tmp_path, name):
    """Is said at once."""
    for path, why in ((tmp_path / "no" / name, "No such file"), (tmp_path, "")):
        words = ["-f", "gilspy" if "gilspy" in name else "svg"]
        check_failure(gilspy.run("record", "-p", spinning.pid, "-o", path, *words), 1, why)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ["svg", "folded", "speedscope", "gilspy"])
@pytest.mark.slow
def test_full_device(spinning, format):
    words = ("record", *recording.NO_BUDGET, "-p", spinning.pid, "-d", "1", "-f", format, "-o")
    check_failure(gilspy.run(*words, "/dev/full"), 1, "No space left")
    with open("/dev/full", "w") as full:
        done = gilspy.run(*words, "-", stdout=full)
    assert done.returncode == 1 and "No space left" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("format", ["svg", "folded", "speedscope", "gilspy"])
def test_closed_pipe(spinning, format):
    reader, writer = os.pipe()
    os.close(reader)
    done = gilspy.run("record", "-p", spinning.pid, "-d", "300ms", "-f", format, "-o", "-", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder]).returncode:
        pytest.skip("mounting a file system needs root")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
def test_full_disk(system_python, folders, small_disk):
    """What was recorded before stays, and can be drawn; the file that was there stays too."""
    path = small_disk / "a.gilspy"
    path.write_bytes(b"before")
    with running(system_python, folders, "churn.py") as target:
        done = gilspy.run("record", "-p", target.pid, "-r", "max", "-d", "30", "-o", path)
    check_failure(done, 1, "No space left", str(path) + ".part")
    assert path.read_bytes() == b"before"
    drawn = gilspy.run("report", str(path) + ".part", "-f", "folded", "-o", "-")
    assert drawn.returncode == 0 and "breed (" in drawn.stdout and drawn.stderr.count("\n") == 1


def test_part_of_a_run_that_did_not_end(spinning, tmp_path):
    """Is moved aside; and two do not write the same one."""
    path = tmp_path / "a.gilspy"
    with gilspy.begun("record", "-p", spinning.pid, "-r", 1000, "-o", path) as process:
        part = grown(path)
        check_failure(gilspy.run("record", "-p", spinning.pid, "-d", "300ms", "-o", path), 1, part + " is being written by another run")
        process.kill()
        process.wait()
    left = open(part, "rb").read()
    done = gilspy.run("record", "-p", spinning.pid, "-d", "300ms", "-o", path)
    assert done.returncode == 0 and part + ".old" in done.stderr
    assert open(part + ".old", "rb").read() == left and sorted(os.listdir(tmp_path)) == ["a.gilspy", "a.gilspy.part.old"]
    assert gilspy.run("report", part + ".old", "-f", "folded", "-o", "-").returncode == 0


# ---- the end of a run ----

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals(spinning, tmp_path, number):
    path = tmp_path / "a.gilspy"
    with gilspy.begun("record", "-j", "-p", spinning.pid, "-r", 200, "-o", path) as process:
        grown(path)
        process.send_signal(number)
        status, out, err = end_of(process)
    assert (status, err) == (0, "")
    document = json.loads(out)
    recording.check(document)
    stacks = recording.draw(path, "-i", "-t")
    assert sum(us for frames, us in stacks.items() if frames[0] == "MainThread") == \
        pytest.approx(document["seconds"] * 1e6, abs=30000)


def test_target_ends(spinning, tmp_path):
    path = tmp_path / "a.gilspy"
    with gilspy.begun("record", "-p", spinning.pid, "-r", 200, "-o", path) as process:
        grown(path)
        spinning.process.kill()
        assert end_of(process)[0] == 0
    assert recording.draw(path)


def test_no_target(other, tmp_path):  # noqa: F811
    path = tmp_path / "a.svg"
    check_failure(gilspy.run("record", "-p", free_pid(), "-o", path), 3)
    check_failure(gilspy.run("record", "-p", other, "-o", path), 5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["record", "-o", "a.svg"], ["stat"]])
def test_too_short(spinning, tmp_path, words):
    """It is told what to change, not that there was no Python."""
    done = gilspy.run(*words, "-p", spinning.pid, "-d", "1us", "-r", "0.001", cwd=tmp_path)
    check_failure(done, 1, "before the first look was due", "--duration")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--thread", "nobody"], ["--mode", "gil"], ["--function"], ["--threads"]])
def test_a_recording_has_it_all(spinning, tmp_path, words):
    """What only counts when it is drawn is not taken without a word."""
    run = ("record", "-p", spinning.pid, "-d", "200ms", "-o", tmp_path / "a.gilspy", *words)
    done = gilspy.run(*run)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("gilspy: a recording has every thread and every mode: give %s to gilspy report"
                                  % words[0])
    assert gilspy.run(*run, "-q").stderr == ""
    assert recording.threads(recording.draw(tmp_path / "a.gilspy", "-i"))


@pytest.mark.parametrize("words", [
    [], ["1"], ["-p", "1", "--", "true"], ["-u", "root", "-p", "1"], ["-p", "1", "-f", "nonsense"],
    ["-p", "1", "-o", "a.png"], ["-p", "1", "-m", "nonsense"], ["-p", "1", "-r", "0"], ["-p", "1", "-r", "2000000"],
    ["-p", "1", "-d", "soon"], ["--"], ["-u", "no-such-user", "--", "true"],
])
def test_wrong_usage(words, tmp_path):
    check_failure(gilspy.run("record", *words, cwd=tmp_path), 2)
    assert list(tmp_path.iterdir()) == []


def test_not_permitted(spinning, tmp_path):
    """gilspy where nobody else may look into a folder of root's."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    program = shutil.copy(gilspy.PROGRAM, tmp_path)
    for folder in [tmp_path, *tmp_path.parents]:
        if str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    done = gilspy.run("record", "-p", spinning.pid, "-o", "/dev/null", "-f", "svg", program=program,
                      wrap=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
    check_failure(done, 4, "belongs to another user")


# ---- several ----

def test_several(system_python, folders, spinning, tmp_path):
    """Each under its own name; one that is named twice, or by a thread, counts once."""
    with running(system_python, folders, "states.py", "idle", pipes=["begin"]) as second:
        second.wait_idle()
        path = tmp_path / "a.gilspy"
        document = recording.record("%d,%d" % (spinning.pid, second.pid), path, "-d", "300ms", "-p", spinning.pid,
                                    "-p", second.began["tids"]["worker"])
    assert document["thread_samples"] == 2 * document["samples"]
    sums = recording.threads(recording.draw(path, "-i"))
    assert [name.split(":")[0] for name in sorted(sums)] == sorted([str(spinning.pid), str(second.pid)])
    for us in sums.values():
        assert us == pytest.approx(2 * document["seconds"] * 1e6, abs=60000)


def test_several_with_one_missing(spinning, tmp_path):
    done = gilspy.run("record", "-p", free_pid(), "-p", spinning.pid, "-d", "300ms", "-o", tmp_path / "a.svg")
    assert done.returncode == 3 and done.stderr.count("\n") == 2 and (tmp_path / "a.svg").exists()


# ---- programs ----

def run_program(tmp_path, *words, options=(), **more):
    return gilspy.run("record", "-o", tmp_path / "a.folded", *options, "--", *words, **more)


def test_program(tmp_path):
    """Its status, its input and its output are its own."""
    done = run_program(tmp_path, PYTHON, "-c", FOR_A_WHILE % 0.3 + "print(input()); raise SystemExit(7)",
                       stdin=None, input="said\n")
    assert (done.returncode, done.stdout) == (7, "said\n")
    assert done.stderr.startswith("gilspy: ") and done.stderr.count("\n") == 1
    assert "<module> (<string>" in (tmp_path / "a.folded").read_text()


def test_program_ended_by_a_signal(tmp_path):
    done = run_program(tmp_path, PYTHON, "-c", FOR_A_WHILE % 0.3 + "import os; os.kill(os.getpid(), 9)")
    assert done.returncode == 128 + 9 and (tmp_path / "a.folded").exists()


def test_status_of_a_program_that_is_stopped_all_the_time(tmp_path):
    """Its end may come while we wait for it to stop; on a slow machine also before it could be looked at."""
    codes = []
    for _ in range(8):
        done = run_program(tmp_path, PYTHON, "-c", "for _ in range(10**5): len('')\nimport os\nos._exit(7)",
                           options=["-b", "-r", "max"])
        assert done.returncode == 7 or "nothing was recorded" in done.stderr
        codes.append(done.returncode)
    assert 7 in codes


def test_program_that_cannot_be_run(tmp_path):
    check_failure(run_program(tmp_path, tmp_path / "none"), 1, "No such file")
    check_failure(run_program(tmp_path, tmp_path), 1, "Permission denied")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("true",), ("sh", "-c", "exit 3"), ("sh", "-c", PYTHON + " -c 'sum(range(9999999))'; :")])
def test_program_that_is_no_python(tmp_path, words):
    """A failure of ours, whatever it returns; -s is named, which would find Pythons that it starts."""
    check_failure(run_program(tmp_path, *words), 1, "nothing was recorded", "-s")
    assert list(tmp_path.iterdir()) == []


def test_script_that_starts_python(tmp_path):
    done = run_program(tmp_path, "sh", "-c", PYTHON + " -c '%s'; exit 5" % (FOR_A_WHILE % 1), options=["-s"])
    assert done.returncode == 5 and "<module> (<string>" in (tmp_path / "a.folded").read_text()


def test_script_that_becomes_python(tmp_path):
    done = run_program(tmp_path, "sh", "-c", "exec %s -c '%s'" % (PYTHON, FOR_A_WHILE % 0.4))
    assert done.returncode == 0 and "<module> (<string>" in (tmp_path / "a.folded").read_text()


def test_program_as_another_user(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    done = run_program(tmp_path, PYTHON, "-c", FOR_A_WHILE % 0.3 + "import os; print(os.getuid(), os.getgroups())",
                       options=["-u", "nobody"], cwd="/")
    assert done.returncode == 0 and done.stdout.startswith("65534 [65534")


def test_duration_shorter_than_the_program(tmp_path):
    """The output is there when the duration is over; then signals are the program's, and its end is waited for."""
    script = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\nprint('on', flush=True)\n"
    with gilspy.begun("record", "-d", "300ms", "-o", tmp_path / "a.svg", "--", PYTHON, "-c", script + SPIN) as process:
        assert process.stdout.readline() == "on\n"
        until(lambda: (tmp_path / "a.svg").exists(), "the output")
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert end_of(process)[0] == 9


def test_signal_goes_to_the_program(tmp_path):
    with gilspy.begun("record", "-o", tmp_path / "a.gilspy", "--", PYTHON, "-c", "print('on', flush=True)\n" + SPIN) as process:
        assert process.stdout.readline() == "on\n"
        grown(tmp_path / "a.gilspy")
        process.send_signal(signal.SIGTERM)
        assert end_of(process)[0] == 128 + signal.SIGTERM
    assert recording.draw(tmp_path / "a.gilspy")


# ---- terminals ----

# The end of who leads a terminal's session takes along what was not read of it: a shell leads, and waits to be let go.
LEADER = ["sh", "-c", 'trap : INT; "$@"; echo "ended: $?"; read -r line', "sh"]
ENDED = re.compile(rb"ended: (\d+)\r\n")


class Terminal:
    """gilspy record with a terminal of its own."""
    def __init__(self, *words, **options):
        self.master, slave = pty.openpty()
        self.shown = b""

        def lead():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        options = {"stdin": slave, "stdout": slave, "stderr": slave, **options}
        self.process = subprocess.Popen([*LEADER, gilspy.PROGRAM, "record", *map(str, words)], preexec_fn=lead,
                                        **options)
        os.close(slave)

    def read_until(self, word):
        deadline = time.monotonic() + 90
        while word not in self.shown and time.monotonic() < deadline:
            try:
                self.shown += os.read(self.master, 4096)
            except OSError:
                break
        assert word in self.shown

    def end(self):
        """Its exit status; shown is all that it wrote."""
        self.read_until(b"ended: ")
        while not ENDED.search(self.shown):
            self.shown += os.read(self.master, 4096)
        status = int(ENDED.search(self.shown).group(1))
        self.shown = ENDED.sub(b"", self.shown)
        os.write(self.master, b"\n")
        self.process.wait(20)
        os.close(self.master)
        return status


def test_progress(spinning, tmp_path):
    """A line on a terminal, gone at the end, and Ctrl-C ends the run."""
    terminal = Terminal("-p", spinning.pid, "-o", tmp_path / "a.svg")
    terminal.read_until(b"GIL held 100 %")
    os.write(terminal.master, b"\x03")
    assert terminal.end() == 0
    assert b" samples, " in terminal.shown and b"\r\x1b[Kgilspy: " in terminal.shown
    quiet = Terminal("-q", "-p", spinning.pid, "-d", "700ms", "-o", tmp_path / "b.svg")
    assert quiet.end() == 0 and quiet.shown == b""


def test_program_on_a_terminal(tmp_path):
    """It reads from it, nothing of ours is written between its lines, and Ctrl-C reaches it."""
    script = ("import sys, time\nprint('hello', input(), flush=True)\n"
              "try:\n    while True: sum(range(1000))\nexcept KeyboardInterrupt:\n    sys.exit(4)\n")
    terminal = Terminal("-o", tmp_path / "a.gilspy", "--", PYTHON, "-c", script)
    os.write(terminal.master, b"you\n")
    terminal.read_until(b"hello you\r\n")
    grown(tmp_path / "a.gilspy")
    os.write(terminal.master, b"\x03")
    assert terminal.end() == 4
    before, after = terminal.shown.split(b"hello you\r\n")
    assert before == b"you\r\n" and after.startswith(b"^Cgilspy: ") and after.count(b"\n") == 1


def test_no_recording_on_a_terminal(spinning):
    terminal = Terminal("-p", spinning.pid, "-f", "gilspy", "-o", "-")
    assert terminal.end() == 2 and b"terminal" in terminal.shown


# ---- families ----

FAMILY = r"""
import os, subprocess, sys, time
spin = "import time\nend = time.time() + 0.5\ndef %s():\n    while time.time() < end: sum(range(1000))\n%s()"
def in_fork():
    end = time.time() + 0.5
    while time.time() < end: sum(range(1000))
def forked_orphan():
    end = time.time() + 1
    while time.time() < end: sum(range(1000))
child = os.fork()
if not child:
    in_fork()
    os._exit(0)
started = subprocess.Popen([sys.executable, "-c", spin % ("started", "started")])
shell = subprocess.Popen(["sh", "-c", sys.executable + ' -c "$0"; :', spin % ("in_shell", "in_shell")])
daemon = os.fork()
if not daemon:
    os.setsid()
    if not os.fork():
        exec(spin % ("in_daemon", "in_daemon"))
    os._exit(0)
parent = os.fork()
if not parent:
    if not os.fork():
        forked_orphan()
    else:
        time.sleep(0.3)
    os._exit(0)
os.waitpid(child, 0); os.waitpid(daemon, 0); started.wait(); shell.wait(); os.waitpid(parent, 0)
os.execv(sys.executable, [sys.executable, "-c", spin % ("became", "became")])
"""


def functions(path, *words):
    return {frame.split(" ")[0] for frames in recording.draw(path, "-i", "-F", *words) for frame in frames}


@pytest.mark.slow
def test_family(tmp_path):
    """Children by fork, exec, a shell, an orphan and a daemon; and what the process becomes itself."""
    path = tmp_path / "a.gilspy"
    done = gilspy.run("record", "-s", *recording.NO_BUDGET, "-o", path, "--", PYTHON, "-c", FAMILY)
    assert done.returncode == 0
    assert functions(path) >= {"in_fork", "started", "in_shell", "forked_orphan", "in_daemon", "became"}
    done = gilspy.run("record", *recording.NO_BUDGET, "-o", path, "--", PYTHON, "-c", FAMILY)
    assert done.returncode == 0 and "became" in functions(path)
    assert not functions(path) & {"in_fork", "started", "in_shell", "forked_orphan", "in_daemon"}


QUICK_ORPHAN = r"""
import os, sys, time
def quick_orphan():
    end = time.time() + 1
    while time.time() < end: sum(range(1000))
print("ready", flush=True)
sys.stdin.readline()
ended, told = os.pipe()
if not os.fork():
    if not os.fork():
        quick_orphan()
    os._exit(0)
os.close(told)
os.wait()
os.read(ended, 1)
"""


def test_orphan_of_one_that_leads(tmp_path):
    """Its parent is gone at once; that it is of the session of the process tells."""
    path = tmp_path / "a.gilspy"
    with subprocess.Popen([PYTHON, "-c", QUICK_ORPHAN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          start_new_session=True) as target:
        assert target.stdout.readline() == "ready\n"
        with subprocess.Popen([gilspy.PROGRAM, "record", "-q", "-s", "-r", "200", "-p", str(target.pid), "-o", path]) as run:
            until(lambda: os.path.exists("%s.part" % path) and os.path.getsize("%s.part" % path) > 0, "the recording")
            target.communicate("go\n")
            assert run.wait(timeout=90) == 0
    assert "quick_orphan" in functions(path)


MAIN_GONE = r"""
import ctypes, os, threading, time
def alone():
    end = time.time() + 1
    while time.time() < end: sum(range(1000))
def work():
    while ") Z " not in open("/proc/self/stat").read(): sum(range(1000))
    alone()
    os._exit(7)
threading.Thread(target=work).start()
end = time.time() + 0.3
while time.time() < end: sum(range(1000))
ctypes.CDLL(None).syscall(60, 0)
"""


def test_main_thread_ends_before_others(tmp_path):
    path = tmp_path / "a.gilspy"
    done = gilspy.run("record", "-r", "200", "-o", path, "--", PYTHON, "-c", MAIN_GONE)
    assert done.returncode == 7
    samples = gilspy.run("report", path, "-i", "-f", "jsonl", "-o", "-").stdout
    assert '"work"' in samples and '"alone"' in samples
    assert samples.count('"type": "process"') == 1  # it is the same one


POOLS = r"""
import multiprocessing, sys, time
def work(seconds):
    end = time.process_time() + seconds  # longer where there is much else to do, as for the sampler
    while time.process_time() < end: sum(range(1000))
if __name__ == "__main__":
    for way in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(way).Pool(2) as pool:
            pool.map(work, [0.4] * 2, 1)
"""


@pytest.mark.slow
def test_pools(tmp_path):
    """The workers of each kind of pool are seen for most of their work."""
    script, path = tmp_path / "pools.py", tmp_path / "a.gilspy"
    script.write_text(POOLS)
    done = gilspy.run("record", "-s", "-o", path, "--", PYTHON, script)
    assert done.returncode == 0
    sums = recording.sum_by(recording.draw(path, "-F"),
                            lambda frames: frames[0] if any(frame.startswith("work (") for frame in frames) else None)
    assert len(sums) == 6 and all(us > 200000 for us in sums.values())


# ---- what it says of itself ----

def test_own_time(spinning, tmp_path):
    """cpu_us is what the kernel says, too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    document = recording.record(spinning.pid, tmp_path / "a.gilspy", "-r", 5000, "-d", "500ms")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime")) * 1e6
    assert abs(document["quality"]["cpu_us"] - used) < max(0.1 * used, 20000)


def test_torn(system_python, folders, tmp_path):
    """Where nothing may be stopped, stacks that change while they are read are counted."""
    with running(system_python, folders, "split.py", "short") as target:
        def torn():
            """On a busy machine the target may not run at all while it is read."""
            path = tmp_path / "a.gilspy"
            quality = recording.record(target.pid, path, "-r", 5000, "-d", "300ms", "--nonblocking")["quality"]
            assert quality["stopped"] == 0
            return quality["torn"]
        until(torn, "a torn stack")
