"""The live screen in a terminal of its own: what it shows, its keys, and how it ends."""
import os
import re
import signal
import subprocess
import time

import pytest

import gilspy
from target import READ, running, until

pytest.importorskip("pyte", reason="the screen is looked at with pyte, the package python3-pyte")
from terminal import screen  # noqa: E402

PATIENCE_S = 120
PPOLL = 271  # what it waits in between two samples
HEADER = "HAS%"
PIPES = ["hold", "gate", "turn-0", "turn-1", "turn-2", "compute", "once"]


def calls(pid, number):
    """Its main thread is in that system call."""
    with open("/proc/%d/syscall" % pid) as file:
        return file.read().split()[0] == str(number)


def take(target):
    """One thread gets the GIL and keeps it, one waits for it."""
    target.feed("hold")
    target.wait_reading(target.began["tids"]["holder"], "gate")
    target.feed("turn-0")
    target.wait_calling(target.began["tids"]["victim-0"], 202)


@pytest.fixture
def free(system_python, folders):
    with running(system_python, folders, "gil.py", pipes=PIPES) as target:
        target.wait_idle()
        yield target


@pytest.fixture
def held(free):
    take(free)
    return free


def end(top):
    top.press("q")
    assert top.wait_end() == (0, top.seen[top.seen.rfind(b"\x1b[?1049l"):].decode())
    top.check_restored()


# ---- what it shows ----

def test_shows_and_quits(held):
    holder, victim = held.began["tids"]["holder"], held.began["tids"]["victim-0"]
    with screen("-p", held.pid) as top:
        top.wait_for(HEADER, r"gil\.py .* pid %d " % held.pid, "8 threads", "100 Hz", r"GIL █+ 100 % held",
                     "◌ 1 waiting", r"● holder \(%d\) for at least " % holder, "wait_holding", "q quit")
        top.wait_for(r"^● 100\.0 +0\.0 +0\.0 .* %d holder(?: \(\d+\))? +wait_holding" % holder,
                     r"^◌   0\.0 100\.0 +0\.0 .* %d victim-0 " % victim, r"^·   0\.0 +0\.0 100\.0 .* locked ")
        end(top)


def test_tasks(system_python, folders):
    """Those that are alike are one row, which is found by the name of each."""
    wants = r"^waits +2 +>\d+\.?\d* m?s wants\* +Lock held by holds +wants +\S*tasks\.py:\d+"
    with running(system_python, folders, "tasks.py", "still") as target:
        target.wait_idle()
        with screen("-p", target.pid, columns=120) as top:
            top.wait_for(HEADER)
            top.press("7")
            top.wait_for(r"^\d+ tasks, alike ones in one row", r"^waits .* sleep, \d+\.\d s left", wants)
            top.press("\\", "wants, too\r")
            top.wait_without("Event")
            top.wait_for("filter wants, too", wants)
            end(top)


def test_each_pane(held):
    """By its number, by Tab, and what is to be seen in it."""
    panes = [("1", [r"HAS% WAIT% +NO%"]), ("2", [r"● holder .* holds the GIL for at least", r"TIME%", r"^100\.0 .* wait_holding +common\.py:"]),
             ("3", [r"OWN% TOTAL%", r"^ 100\.0  100\.0 .* wait_holding +common\.py"]),
             ("5", [r"WAITED", r"victim-0 \(\d+\) +holder \(\d+\) +wait_holding"]),
             ("6", [r"HALF SECONDS", r"^● holder +█+●", r"^◌ victim-0 +▒+◌", r"^· sleeper +·+"])]
    with screen("-p", held.pid) as top:
        top.wait_for(HEADER)
        for key, patterns in panes:
            top.press(key)
            top.wait_for(*patterns)
        top.press("4")
        top.wait_for("no hold of 1 ms or more was seen yet")
        take_turns = held.began["tids"]["victim-0"]
        held.feed("gate")  # lets go of it
        top.wait_for(r"LONGEST +TIMES", r"^ +>.* holder(?: \(\d+\))? +wait_holding")
        held.wait_reading(take_turns, "turn-0")
        top.press("1")
        for pattern in ("TIME%", "OWN%", "LONGEST", "WAITED", "HALF SECONDS", "no thread runs an event loop", r"^ *\d\.\d\d +1 .*threading\.Lock at 0x", "HAS%"):
            top.press("tab")
            top.wait_for(pattern)
        top.press("back tab", "back tab", "back tab")
        top.wait_for("HALF SECONDS")
        end(top)


def test_moving(held):
    """The cursor goes through the threads; Enter shows the stack of the one that it is at."""
    with screen("-p", held.pid) as top:
        top.wait_for(HEADER)
        top.wait(lambda: [line for line in top.chosen() if "holder" in line], "the cursor at the first row")
        for keys, name in ((["down"], "victim-0"), (["up"], "holder"), (["j"], "victim-0"), (["k"], "holder")):
            top.press(*keys)
            top.wait(lambda: [line for line in top.chosen() if name in line], name)
        top.press("end")
        top.wait(lambda: not [line for line in top.chosen() if "holder" in line or "victim-0" in line], "the last row")
        top.press("home", "j", "enter")
        top.wait_for(r"◌ victim-0 .* waits for the GIL", r"take_turns +gil\.py:")
        top.press("escape")
        top.wait_for(HEADER)
        end(top)


def test_wide(held):
    """The list, and beside it the stack of the thread under the cursor."""
    with screen("-p", held.pid, columns=150) as top:
        top.wait_for(r"HAS% .*│ ● holder .* holds the GIL", r"│ 100\.0 .* wait_holding")
        top.press("j")
        top.wait_for(r"HAS% .*│ ◌ victim-0 .* waits for the GIL", r"│ 100\.0 .* take_turns")
        end(top)


def test_search_and_filter(held):
    with screen("-p", held.pid) as top:
        top.wait_for(HEADER)
        top.press("/")
        top.wait_for("^ search:")
        top.press(*"LOCKx", "backspace", "enter")
        top.wait(lambda: [line for line in top.chosen() if "locked" in line], "the cursor at what was searched for")
        top.press("\\")
        top.wait_for("^ filter:")
        top.press(*"victim", "enter")
        top.wait_for("filter victim")
        top.wait_without(r" sleeper ")
        assert len(re.findall(r"\d victim-\d", top.text())) == 3
        top.press("\\", "x", "enter")
        top.wait_for('nothing has "victimx" in it')
        top.press("escape")
        top.wait_for(r" sleeper ")
        end(top)


def test_sort_mode_files_rate(held):
    with screen("-p", held.pid) as top:
        top.wait_for(HEADER)
        top.press("s")
        top.wait_for("sorted by WAIT%")
        top.wait(lambda: [line for line in top.chosen() if "victim-0" in line], "who waits most at the top")
        top.press("m")
        top.wait_for("mode wall: every thread, always")
        top.press("2", "f")
        top.wait_for(r"\S/common\.py:\d+")
        top.press("f")
        top.wait_without(r"\S/common\.py:\d+")
        top.press("+")
        top.wait_for("200 samples a second", r" 200 Hz")
        top.press("-", "-")
        top.wait_for("50 samples a second", r" 50 Hz")
        end(top)


def test_help(target):
    with screen("-p", target.pid) as top:
        top.wait_for(HEADER)
        for key in "h", "?", "f1":
            top.press(key)
            top.wait_for(r"Up, k +one row up")
            top.press("h")
            top.wait_for(HEADER)
        top.press("h", "end", *["page down"] * 4)
        top.wait_for(r"time in this state")
        end(top)


def test_pause(free):
    """Nothing that happens shows meanwhile; all of it does when it goes on."""
    with screen("-p", free.pid) as top:
        top.wait_for(HEADER, "nobody holds it|held, by whom")
        top.press(" ")
        top.wait_for("PAUSED")
        take(free)
        top.press("6", "2", "1")  # panes can be looked at
        top.wait_for(HEADER)
        assert "● holder" not in top.text() and not re.search(r"^● .* holder ", top.text(), re.M)
        top.press("p")
        top.wait_without("PAUSED")
        top.wait_for(r"● holder \(", r"^● .* holder(?: \(\d+\))? +wait_holding", r"GIL █+")
        end(top)


def test_reset(held):
    with screen("-p", held.pid) as top:
        top.wait_for(HEADER)
        top.press("5")
        top.wait_for(r"victim-0 \(\d+\) +holder \(\d+\)")
        held.feed("gate")
        held.wait_reading(held.began["tids"]["victim-0"], "turn-0")
        top.wait_for("◌ 0 waiting")
        top.press("r")
        top.wait_for("counted anew", "no thread was seen to wait")
        end(top)


def test_write(held, tmp_path):
    """The dump of this moment, in a file; another one has another name."""
    with screen("-p", held.pid, cwd=tmp_path) as top:
        top.wait_for(HEADER)
        for count in 1, 2:
            top.press("w")
            until(lambda: len(list(tmp_path.iterdir())) >= count and not list(tmp_path.glob("*.part")), "the file")
            top.wait_for("wrote gilspy-%d-" % held.pid)
        end(top)
    files = list(tmp_path.glob("gilspy-%d-*.txt" % held.pid))
    assert len(files) == len(list(tmp_path.iterdir())) == 2
    for file in files:
        assert re.search('GIL: held by %d "holder"' % held.began["tids"]["holder"], file.read_text())


def test_write_beside_links(held, tmp_path):
    """Who knows the name beforehand cannot have the dump written somewhere else: links that lead nowhere stand there
    for every second of the next minutes."""
    folder = tmp_path / "links"
    folder.mkdir()
    now = int(time.time())
    for second in range(now, now + 600):
        name = time.strftime("gilspy-%d-%%Y%%m%%d-%%H%%M%%S.txt" % held.pid, time.localtime(second))
        (folder / name).symlink_to(tmp_path / "elsewhere")
    with screen("-p", held.pid, cwd=folder) as top:
        top.wait_for(HEADER)
        top.press("w")
        top.wait_for("wrote gilspy-%d-" % held.pid)
        end(top)
    made = [file.name for file in folder.iterdir() if not file.is_symlink()]
    assert len(made) == 1 and made[0].endswith("-2.txt") and not (tmp_path / "elsewhere").exists()


def test_write_where_nothing_may_be_written(held):
    with screen("-p", held.pid, cwd="/proc") as top:
        top.wait_for(HEADER)
        top.press("w")
        top.wait_for("cannot write")
        end(top)


# ---- terminals ----

@pytest.mark.parametrize("term", ["xterm", "linux", "screen", "screen-256color", "tmux-256color", "vt100"])
def test_kinds_of_terminals(held, term):
    with screen("-p", held.pid, TERM=term) as top:
        top.wait_for(HEADER, r"GIL █+ 100 % held", r"holder(?: \(\d+\))? +wait_holding")
        top.press("q")
        assert top.wait_end()[0] == 0


def test_ascii(held):
    with screen("-p", held.pid, LC_ALL="C") as top:
        top.wait_for(HEADER, r"GIL #+ 100 % held", "w 1 waiting", r"^\* 100\.0")
        top.press("6")
        top.wait_for(r"^\* holder +\*+$")
        assert top.text().isascii()
        end(top)


def test_resize(target):
    with screen("-p", target.pid) as top:
        top.wait_for(HEADER, "q quit")
        for rows, columns, pattern in ((5, 20, "too small"), (1, 1, ""), (60, 300, "TIME%"), (10, 40, "HAS%"), (24, 80, "HAS%")):
            already = len(top.seen)
            top.set_size(rows, columns)
            top.process.send_signal(signal.SIGWINCH)
            top.wait(lambda: len(top.seen) > already, "it to draw again")
            top.wait_for(pattern)
            if rows >= 10:
                top.wait(lambda: "q quit" in top.lines()[-1], "the last line at the bottom")
                assert all(len(line) <= columns for line in top.lines())
        end(top)


def test_terminal_goes(target):
    with screen("-p", target.pid) as top:
        top.wait_for(HEADER)
        os.close(top.master)
        top.master = -1
        assert top.process.wait(PATIENCE_S) in (0, -signal.SIGHUP)


# ---- how it ends ----

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_it(target, number):
    with screen("-p", target.pid) as top:
        top.wait_for(HEADER)
        top.process.send_signal(number)
        assert top.wait_end()[0] == 0
        top.check_restored()


@pytest.mark.parametrize("key", ["\x03", "f10", "Q"])
def test_keys_end_it(target, key):
    """Control-C as the terminal sends it."""
    with screen("-p", target.pid) as top:
        top.wait_for(HEADER)
        top.press(key)
        assert top.wait_end()[0] == 0
        top.check_restored()


def test_other_signals_do_not(target):
    with screen("-p", target.pid) as top:
        top.wait_for(HEADER)
        top.process.send_signal(signal.SIGSTOP)
        until(lambda: open("/proc/%d/stat" % top.process.pid).read().rsplit(")", 1)[1].split()[0] == "T", "it to stop")
        top.process.send_signal(signal.SIGCONT)
        top.press("h")
        top.wait_for("one row up")
        end(top)


def test_target_ends(held):
    """The last screen stays, with what was counted, until q."""
    with screen("-p", held.pid) as top:
        top.wait_for(HEADER, r"^● 100\.0", r"[1-9]\d* waiting", r"^ held .*[1-9]\d* s")  # not the first sample alone
        held.process.kill()
        held.process.wait()
        top.wait_for(" ended ", "q ends")
        assert "100 % held" in top.row("GIL ")  # who had it may be dead before the last sample is taken
        top.press("5")
        top.wait_for(r"victim-0 \(\d+\) +holder \(\d+\) +wait_holding")
        top.press("2")
        top.wait_for("TIME%")
        top.press("w")
        top.wait_for("nobody to dump")
        top.press("q")
        status, said = top.wait_end()
        assert status == 0 and "ended" in said
        top.check_restored()


def test_crash_restores_the_terminal(target):
    with screen("-p", target.pid) as top:
        top.wait_for(HEADER)
        top.process.send_signal(signal.SIGSEGV)
        assert top.wait_end()[0] == -signal.SIGSEGV
        top.check_restored()


def test_duration(target):
    with screen("-p", target.pid, "-d", "300ms") as top:
        assert top.wait_end()[0] == 0
        top.check_restored()


# ---- several processes, many threads, none chosen ----

def test_family(system_python, folders):
    with running(system_python, folders, "pools.py", "subprocess") as target:
        said = [target.began] + [target.listen() for _ in range(2)]  # a child may be the first
        children = [each["pid"] for each in said if "pid" in each]
        with screen("-s", "-p", target.pid, columns=120) as top:
            top.wait_for("3 processes", r"PROCESS +TID")
            for pid in (target.pid, *children):
                top.wait_for(r" %d +%d MainThread" % (pid, pid))
            top.press("6")
            top.wait_for(r"PROCESS +NAME", r" %d +MainThread" % children[1])
            top.press("1")
            os.kill(children[0], signal.SIGKILL)
            top.wait_for("2 processes")
            top.wait_without(r" %d +%d MainThread" % (children[0], children[0]))
            end(top)


def test_many_threads(system_python, folders):
    with running(system_python, folders, "crowd.py", "198", "1", pipes=["gate"]) as target:
        with screen("-p", target.pid, rows=24, columns=80) as top:
            top.wait_for("200 threads", r"^● .* spinner-0 +spin")
            top.press("s", "end")
            top.wait_for("sleeper-")
            top.press("/", *"sleeper-197", "enter")
            top.wait(lambda: [line for line in top.chosen() if "sleeper-197" in line], "the cursor there")
            top.press("home", "page down", "page down")
            top.wait(lambda: len(top.chosen()) == 1 and "sleeper" in top.chosen()[0], "a page in the middle")
            end(top)


def test_choosing(held):
    """Without a process: the list of them, and one of it."""
    with screen(rows=50, columns=120) as top:
        top.wait_for("which process", r"^ +%d .* held +.*gil\.py" % held.pid)
        for _ in range(200):
            if [line for line in top.chosen() if " %d " % held.pid in line]:
                break
            before = top.chosen()
            top.press("j")
            top.wait(lambda: top.chosen() != before, "the cursor to move")
        top.press("enter")
        top.wait_for(HEADER, r"pid %d " % held.pid, r"● holder \(")
        end(top)


def test_search_among_processes(held):
    with screen(rows=50, columns=120) as top:
        top.wait_for("which process", r"^ +%d .* held +.*gil\.py" % held.pid)
        top.press("/")
        top.wait_for("^ search:")
        top.press(*str(held.pid), "x", "backspace", "enter")
        top.wait(lambda: any(str(held.pid) in line for line in top.chosen()), "the cursor at what has that number")
        for _ in range(200):  # in its pid, or in the command of another
            if any(" %d " % held.pid in line for line in top.chosen()):
                break
            before = top.chosen()
            top.press("f3")
            top.wait(lambda: top.chosen() != before, "the cursor to move")
        top.press("/", *"no such process", "enter")
        top.wait_for("not found: no such process")
        top.press("\\", *"no such filter", "enter")
        top.wait_for("filter no such filter", 'nothing has "no such filter" in it')
        top.press("escape")
        top.wait_for(r"^ +%d " % held.pid)
        top.press("\\", *str(held.pid), "enter")
        top.wait_for(r"which process\?  filter %d" % held.pid, r"^ +%d " % held.pid)
        top.press("enter")
        top.wait_for(HEADER, r"pid %d " % held.pid)
        end(top)


def test_choosing_nobody(target):
    with screen(rows=50) as top:
        top.wait_for("which process")
        end(top)


# ---- a program that it starts ----

PROGRAM = """import os, signal, sys, threading
print("it begins", file=sys.stderr)
assert sys.stdin.read() == "" and not any(map(os.isatty, range(3)))
signal.signal(signal.SIGTERM, lambda *_: print("asked to end") or os._exit(9))
with open(sys.argv[1]) as gate:
    word = gate.readline()
print("it goes", word, end="")
sys.exit(int(word))
"""


@pytest.fixture
def program(system_python, tmp_path):
    """A command that waits for its gate, which says with what status it is to end."""
    script, gate = tmp_path / "starts.py", tmp_path / "gate"
    script.write_text(PROGRAM)
    os.mkfifo(gate)
    return system_python.command(str(script), str(gate)), gate


def logs(folder):
    return list(folder.glob("gilspy-top-*.log"))


def test_program(program, tmp_path):
    """What it writes is not on the screen but kept, and told when it failed."""
    command, gate = program
    with screen("--", *command, TMPDIR=str(tmp_path)) as top:
        top.wait_for(HEADER, r"starts\.py", r"what it writes is in .*/gilspy-top-\w+\.log", r"MainThread +<module>")
        assert "it begins" not in top.text()
        gate.write_text("7\n")
        top.wait_for("has ended with exit status 7; q ends", " ended ", "at the end: ")
        top.press("q")
        status, said = top.wait_end()
        top.check_restored()
    [log] = logs(tmp_path)
    assert status == 7 and log.read_text() == "it begins\nit goes 7\n"
    assert "wrote is in " + str(log) + "; its last lines:" in said.replace("\r\n", "")
    assert re.search("it begins\r\ngilspy:   it goes 7\r\n", said)


def test_program_that_is_not_done(program, tmp_path):
    """q asks before it ends it; another key is no answer."""
    command, gate = program
    with screen("--", *command, TMPDIR=str(tmp_path)) as top:
        top.wait_for(HEADER, r"MainThread +<module>")
        top.press("q")
        top.wait_for("still runs: q once more ends it")
        top.press("1")
        top.wait_without("still runs")
        top.press("q")
        top.wait_for("still runs: q once more ends it")
        top.press("q")
        status, said = top.wait_end()
        top.check_restored()
    assert status == 9 and "last lines" not in said
    assert logs(tmp_path)[0].read_text() == "it begins\nasked to end\n"


def test_control_c_ends_both(program, tmp_path):
    command, gate = program
    with screen("-q", "--", *command, TMPDIR=str(tmp_path)) as top:
        top.wait_for(HEADER, r"MainThread +<module>")
        top.press("\x03")
        assert top.wait_end()[0] == 128 + signal.SIGINT
    assert "KeyboardInterrupt" in logs(tmp_path)[0].read_text()


def test_program_that_cannot_start(tmp_path):
    with screen("--", "no-such-program", TMPDIR=str(tmp_path)) as top:
        status = top.wait_end()[0]
        assert status == 1 and b"cannot run no-such-program: No such file" in top.seen and b"?1049h" not in top.seen
    assert not logs(tmp_path)


def test_no_screen_for_a_program(program, tmp_path):
    """It is not started when nobody could see it."""
    done = gilspy.run("top", "--", "touch", str(tmp_path / "started"), env=dict(os.environ, TMPDIR=str(tmp_path)))
    assert done.returncode == 1 and "--once" in done.stderr
    assert not logs(tmp_path) and not (tmp_path / "started").exists()


def test_program_once(program, tmp_path):
    """As text it has our output, and its status is ours."""
    command, gate = program
    out, said = tmp_path / "out", tmp_path / "said"
    for seconds in 1, 10, 60:  # a machine with much to do may not let it begin in time
        with open(out, "w") as output, open(said, "w") as errors:
            top = subprocess.Popen([gilspy.PROGRAM, "top", "--once", "-d", str(seconds), "--", *command], stdout=output,
                                   stdin=subprocess.DEVNULL, stderr=errors, env=dict(os.environ, LC_ALL="C.UTF-8"))
            until(lambda: "starts.py" in out.read_text() or "gilspy:" in said.read_text(), "it to show something")
            gate.write_text("5\n")
            status = top.wait(PATIENCE_S)
        if "gilspy:" not in said.read_text():
            break
    assert status == 5 and "it goes 5" in out.read_text() and said.read_text() == "it begins\n"


@pytest.mark.parametrize("words, why", [
    (["-u", "nobody"], "--user is for a command"), (["-p", "1", "--", "true"], "exclude each other"),
    (["--"], "neither a process nor a command")])
def test_who_is_meant(words, why):
    done = gilspy.run("top", *words)
    assert done.returncode == 2 and why in done.stderr


# ---- which threads, which frames ----

def test_only_some_threads(held):
    with screen("-p", held.pid, "--thread", "victim-*", "--thread", str(held.began["tids"]["locked"])) as top:
        top.wait_for("4 of 8 threads: victim-*", r"● holder \(", r"◌ 1 waiting", r"^◌   0\.0 100\.0 .* victim-0 ")
        assert not re.search(r"\d (holder|sleeper|MainThread) ", top.text())
        top.press("6")
        top.wait_for(r"^◌ victim-0 +▒")
        assert not re.search("sleeper|holder +█", top.text())
        top.press("3", *["m"] * 2)
        top.wait_for(r"mode cpu")
        top.press("m")
        top.wait_for("mode gil", "no function was met in this mode yet")
        end(top)


def test_mode_locks(held):
    """Functions in which threads wait for a lock, from the first sample on."""
    with screen("-m", "locks", "-p", held.pid) as top:
        top.wait_for(HEADER)
        top.press("3")
        top.wait_for("mode locks: threads that wait for a lock", "block_on_lock")
        end(top)


def test_frames(held):
    """Functions without lines, and the thread as the outermost one."""
    with screen("-tF", "-p", held.pid) as top:
        top.wait_for(r"^● .* holder(?: \(\d+\))? +wait_holding +\S*common\.py$")
        top.press("enter")
        top.wait_for(r"100\.0 100\.0 holder \(%d\)$" % held.began["tids"]["holder"])
        top.press("3")
        top.wait_for(r" 100\.0 .* victim-0 \(%d\)$" % held.began["tids"]["victim-0"])
        end(top)


# ---- as text ----

def rows_of(text):
    """The words of each row, by the thread's name; the time in a state is one word."""
    found = {}
    for line in text.splitlines():
        words = re.match(r"(\S) +(\S+) +(\S+) +(\S+) +(\S+) +(>?\S+ \S+|>?\S+) +(\d+) (\S+) +(.*)", line)
        if words:
            found[words[8]] = words.groups()
    return found


def test_once(held):
    done = gilspy.run("top", "-p", held.pid, "--once", "-d", "300ms")
    assert (done.returncode, done.stderr) == (0, "") and "\x1b" not in done.stdout
    rows = rows_of(done.stdout)
    assert rows["holder"][:4] == ("●", "100.0", "0.0", "0.0")
    assert rows["victim-0"][:4] == ("◌", "0.0", "100.0", "0.0")
    assert rows["locked"][:4] == ("·", "0.0", "0.0", "100.0")
    assert len(rows) == 8 and re.search(r"wait_holding +\S*common\.py:\d+$", rows["holder"][8])
    assert "100 % held" in done.stdout and "● holder (%d) for at least " % held.began["tids"]["holder"] in done.stdout


CHANGES = """import os, sys, threading
gate = threading.Event()
def work():
    gate.wait()
threading.Thread(target=work, name="worker", daemon=True).start()
def main():
    sys.stdin.readline()
    os.execv("/bin/cat", ["cat"])
main()
"""


@pytest.mark.parametrize("end_by", ["kill", "exec"])
def test_once_of_one_that_ends(system_python, tmp_path, end_by):
    """What was seen last is shown, whatever the process is by now."""
    script = tmp_path / "changes.py"
    script.write_text(CHANGES)
    with subprocess.Popen(system_python.command(str(script)), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as target:
        try:
            until(lambda: len(os.listdir("/proc/%d/task" % target.pid)) == 2 and calls(target.pid, READ), "it to wait")
            top = subprocess.Popen([gilspy.PROGRAM, "top", "--once", "-d", "600", "-p", str(target.pid)], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL="C.UTF-8"))
            until(lambda: calls(top.pid, PPOLL), "it to watch")
            if end_by == "kill":
                target.kill()
                target.wait()
            else:
                target.stdin.write(b"\n")
                target.stdin.flush()
            out, said = top.communicate(timeout=PATIENCE_S)
        finally:
            target.kill()
    assert top.returncode == 0 and said
    rows = rows_of(out)
    places = {"MainThread": r"^main +\S*changes\.py:7$", "worker": r"^(Event\.|Condition\.)?wait +\S*threading\.py:\d+$"}
    assert rows and set(rows) <= set(places)  # the last sample may have met it when one of them had ended already
    assert all(re.search(places[name], row[8]) for name, row in rows.items())


def test_without_a_terminal(target):
    done = gilspy.run("top", "-p", target.pid)
    assert done.returncode == 1 and "--once" in done.stderr


def test_without_a_process(target):
    """The processes are listed instead."""
    done = gilspy.run("top")
    assert done.returncode == 2 and str(target.pid) in done.stderr
