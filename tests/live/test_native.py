"""C frames merged into Python stacks: chains that are known, of threads that sleep and of threads that compute."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

import gilspy
import native
from spaces import choose
from target import running, until
from test_harmless import check_unharmed, traced

TIMES = 3


@pytest.fixture(scope="module")
def library():
    made = native.Library()
    yield made
    made.remove()


def start(python, folders, library, *how):
    return running(python, folders, "native.py", library.of(python, folders), str(TIMES), *how, pipes=["sleep", "hold"])


SLEEPERS = ["plain", "pointer", "alloca", "cpp", "generator", "doze_plain", "doze_pointer", "doze_alloca"]


def wait_asleep(target):
    """Until each thread is where it stays: those that sleep, and those that compute."""
    for name in SLEEPERS:
        target.wait_reading(target.began["tids"][name], "sleep")
    for name, tid in target.began["tids"].items():
        if name.startswith("spin_"):
            target.wait_computing(tid)
    target.wait_idle()


def test_sleepers(python, folders, library, tmp_path):
    """Whole chains, from the system call to where the thread began, in the right order, and not one ptrace call."""
    with start(python, folders, library) as target:
        wait_asleep(target)
        done, calls = traced(target, tmp_path, "-n")
        assert done.returncode == 0 and calls == []
        document = gilspy.dump(target.pid, "-n")
        assert document["quality"]["stopped"] == 0
        threads = gilspy.threads_by_name(document)
        for variant in "plain", "pointer", "alloca", "cpp":
            chain = native.chain_of(variant, TIMES)
            # A descend calls the one below it through C only.
            assert native.seen(threads[variant], set(chain)) == chain[:1] + chain[1:], variant
            assert native.gaps(threads[variant]) == [], variant
            frames = threads[variant]["frames"]
            assert any(re.fullmatch("_*(libc_|GI_*)?read", frame["function"]) for frame in frames[:4]), variant
            assert all(re.match("libc|libpthread", frame["module"]) for frame in (frames[0], frames[-1])), variant
        for variant in "plain", "pointer", "alloca":
            rows = [("native", "nap_" + variant), ("native", "doze_" + variant), ("python", "doze")]
            thread = threads["doze_" + variant]
            assert native.seen(thread, set(rows)) == rows and native.gaps(thread) == [], variant
            # What is found by the frame pointer, which the kernel does not tell, says so.
            inferred = [bool(frame.get("inferred")) for frame in thread["frames"] if frame["kind"] == "native"]
            assert inferred[:2] == [False, variant != "plain"], variant
        functions = [frame["function"] for frame in threads["generator"]["frames"] if frame["kind"] == "python"]
        assert functions.index("values") + 1 == functions.index("through_generator")
        assert native.gaps(threads["generator"]) == []
        assert {frame["module"] for frame in threads["plain"]["frames"]
                if frame["function"] == "outer_plain"} == {"libchain.so"}


def test_runners(python, folders, library):
    """Threads that compute are stopped, once each, and their chains are whole."""
    with start(python, folders, library, "spin") as target:
        wait_asleep(target)
        document = gilspy.dump(target.pid, "-n", "--max-pause", "100%")
        threads = gilspy.threads_by_name(document)
        for variant in "plain", "pointer", "alloca":
            thread = threads["spin_" + variant]
            rows = [("native", "turn_" + variant), ("native", "spin_" + variant), ("python", "compute")]
            assert native.seen(thread, set(rows)) == rows and native.gaps(thread) == []
            assert not any(frame.get("inferred") for frame in thread["frames"][:2])
        assert document["quality"]["stopped"] >= 3
        # Never to stop anything leaves out what it takes a stop to see.
        thread = gilspy.threads_by_name(gilspy.dump(target.pid, "-n", "--nonblocking"))["spin_plain"]
        assert native.gaps(thread) == ["the C stack of a running thread is not read without stopping it"]
        assert [frame["function"] for frame in thread["frames"] if frame["kind"] == "python"][0] == "compute"
        check_unharmed(target)


def test_leaf(folders, library):
    python = choose("3.11", "system")
    with start(python, folders, library, "spin") as target:
        wait_asleep(target)
        threads = gilspy.threads_by_name(gilspy.dump(target.pid, "--native=leaf"))
        kinds = [frame["kind"] for frame in threads["plain"]["frames"]]
        first = kinds.index("python")
        assert first > 0 and set(kinds[:first]) == {"native"} and set(kinds[first:]) == {"python"}
        assert [frame["function"] for frame in threads["spin_plain"]["frames"]][:2] == ["turn_plain", "spin_plain"]


@pytest.mark.parametrize("how", [pytest.param([], id="sampled"),
                                 pytest.param(["--exact", "--max-overhead", "off"], id="exact")])
def test_hog(folders, library, how):
    """The C function that keeps the GIL is named beside the line that called it."""
    python = choose("3.11", "system")
    if how and gilspy.run("doctor", "-j").stdout.count('"exact": true') == 0:
        pytest.skip("this machine allows no exact events")
    with start(python, folders, library, "hold") as target:
        wait_asleep(target)
        target.feed("hold")
        target.wait_computing(target.began["tids"]["holder"])
        target.tell("ping")  # somebody waits for it

        def named():
            done = gilspy.run("stat", *how, "-j", "-d", "0.3", "--max-pause", "100%", "-p", target.pid)
            assert done.returncode == 0, done.stderr
            return [hog for hog in json.loads(done.stdout)["hogs"] if hog["native"]]
        hog, = until(named, "a stack to be read while the thread holds the GIL")
        assert (hog["tid"], hog["function"]) == (target.began["tids"]["holder"], "holding")
        assert (hog["native"], hog["module"]) == ("turn_plain", "libchain.so")
        assert hog["file"].endswith("native.py") and hog["line"] > 0
        done = gilspy.run("stat", "--nonblocking", "-d", "0.2", "-p", target.pid)
        assert done.returncode == 0 and "turn_plain" not in done.stdout


@pytest.mark.parametrize("version, call, names", [
    ("3.13", "sorted(numbers)", {"builtin_sorted", "list_sort", "list_sort_impl"}),
    ("3.8", "scan(text, 0)", {"scanner_call", "_scan_once_unicode", "scan_once_unicode"})])
def test_hog_of_many_functions(version, call, names):
    """Where none of them has half of the time, that which was called for it is named."""
    script = ("import json, random; numbers = [random.random() for _ in range(200000)]; text = json.dumps(numbers)\n"
              "scan = json.decoder.JSONDecoder().scan_once\nfor _ in range(6): %s" % call)

    def named():
        done = gilspy.run("stat", "-j", "--max-pause", "100%", "--", choose(version, "pyenv").path, "-c", script)
        assert done.returncode == 0, done.stderr
        return names & {hog["native"] for hog in json.loads(done.stdout)["hogs"]}
    until(named, "stacks to be read in more than one of its functions")


@pytest.mark.slow
def test_top(folders, library):
    """Where a thread is, on the screen: its C function with -n, else its line of Python."""
    python = choose("3.11", "system")
    with start(python, folders, library, "spin") as target:
        wait_asleep(target)

        def shown(*args):
            done = gilspy.run("top", "--once", "-d", "0.3", "--max-pause", "100%", "-p", target.pid, *args)
            assert done.returncode == 0, done.stderr
            return re.search(r" spin_plain +(\S+) +(\S+)$", done.stdout, re.M).groups()
        assert until(lambda: shown("-n") == ("turn_plain", "libchain.so"), "a stack to be read while it runs")
        assert shown()[0] == "compute"


def test_text(folders, library):
    python = choose("3.11", "system")
    with start(python, folders, library) as target:
        wait_asleep(target)
        done = gilspy.run("dump", "-n", "-p", target.pid, "--thread", "plain")
        assert done.returncode == 0
        assert re.search(r"^    outer_plain +libchain\.so$", done.stdout, re.M)
        pointer = gilspy.run("dump", "-n", "-p", target.pid, "--thread", "doze_pointer")
        assert re.search(r"^    doze_pointer +libchain\.so  \(inferred\)$", pointer.stdout, re.M)


@pytest.mark.slow
def test_killed_at_every_step(folders, library, tmp_path):
    """SIGKILL at each of the ptrace calls of a dump -n: the threads run on, and nothing is left stopped or traced."""
    python = choose("3.11", "system")
    with start(python, folders, library, "spin") as target:
        wait_asleep(target)
        done, calls = traced(target, tmp_path, "-n", "--max-pause", "100%")
        assert done.returncode == 0
        assert len([call for call in calls if "PTRACE_SEIZE" in call]) >= 3
        assert not [call for call in calls if "PTRACE_ATTACH" in call or "kill(" in call]
        killed = 0
        for when in range(1, len(calls) + 1):
            done, _ = traced(target, tmp_path, "-n", "--max-pause", "100%",
                             inject=["-e", "inject=ptrace:signal=KILL:when=%d" % when])
            killed += done.returncode == -signal.SIGKILL
            until(lambda: all(target.state(tid)[1] == 0 for tid in target.began["tids"].values()), "no tracer")
            check_unharmed(target)
        assert killed >= 6


def test_traced_by_another(folders, library):
    """A debugger has one of the threads: it is said, and the rest is shown."""
    python = choose("3.11", "system")
    with start(python, folders, library, "spin") as target:
        wait_asleep(target)
        tid = target.began["tids"]["spin_plain"]

        def refused():
            found = gilspy.threads_by_name(gilspy.dump(target.pid, "-n"))
            return native.gaps(found["spin_plain"]) == [
                "it runs, and cannot be stopped to read its C stack: another program traces it"] and found
        with subprocess.Popen(["strace", "-qq", "-p", str(tid), "-e", "trace=none"], stderr=subprocess.DEVNULL) as other:
            until(lambda: target.state(tid)[1] == other.pid, "strace to attach")
            threads = until(refused, "the thread to run on under strace, which stops it at first")
            text = gilspy.run("dump", "-n", "-p", target.pid).stdout
            other.terminate()
        assert "C stacks: strace (%d) traces them\n" % other.pid in text
        assert [frame["function"] for frame in threads["spin_pointer"]["frames"]][:2] == ["turn_pointer", "spin_pointer"]


def test_stopped_by_a_signal(folders, library):
    """A process that is stopped is read as it stands, without a ptrace call."""
    python = choose("3.11", "system")
    with start(python, folders, library, "spin") as target:
        wait_asleep(target)
        os.kill(target.pid, signal.SIGSTOP)
        until(lambda: all(target.state(tid)[0] == "T" for tid in target.began["tids"].values()), "all to stop")
        document = gilspy.dump(target.pid, "-n")
        threads = gilspy.threads_by_name(document)
        assert document["quality"]["stopped"] == 0
        assert all(target.state(tid)[0] == "T" for tid in target.began["tids"].values())
        for variant in "plain", "pointer", "alloca":
            rows = [("native", "turn_" + variant), ("native", "spin_" + variant), ("python", "compute")]
            assert native.seen(threads["spin_" + variant], set(rows)) == rows, variant
        os.kill(target.pid, signal.SIGCONT)
        check_unharmed(target)


def test_no_symbols(folders, library, tmp_path):
    """What has no name is told by its module and offset; what the dynamic linker needs has one."""
    python = choose("3.11", "system")
    bare = library.stripped()
    with running(python, folders, "native.py", bare, str(TIMES), pipes=["sleep"]) as target:
        wait_asleep(target)
        frames = gilspy.threads_by_name(gilspy.dump(target.pid, "-n"))["plain"]["frames"]
        mine = [frame["function"] for frame in frames if frame["module"] == "libbare.so"]
        assert len(mine) == 4 * TIMES
        assert all(re.fullmatch(r"libbare\.so\+0x[0-9a-f]+", name) for name in mine[::4])  # call_plain is static
        assert mine[1::4] == ["inner_plain"] * TIMES
        os.unlink(bare)
        os.mkfifo(bare)  # whoever opened it would wait for ever
        frames = gilspy.threads_by_name(gilspy.dump(target.pid, "-n"))["plain"]["frames"]
        assert [frame["module"] for frame in frames].count("libbare.so") == 4 * TIMES
        assert native.gaps({"frames": frames}) == []


def test_foreign_threads(folders, library, tmp_path):
    """A thread that Python knows nothing of is shown with -n only."""
    source = tmp_path / "foreign.c"
    source.write_text("#include <pthread.h>\n#include <unistd.h>\nstatic void *idle(void *p)\n"
                      "{ for (;;) pause(); return p; }\n"
                      "int begin(void) { pthread_t t; return pthread_create(&t, 0, idle, 0); }\n")
    path = str(tmp_path / "libforeign.so")
    subprocess.run(["cc", "-shared", "-fPIC", str(source), "-o", path, "-lpthread"], check=True)
    python = choose("3.11", "system")
    with running(python, folders, "native_foreign.py", path) as target:
        target.wait_idle()
        plain, document = gilspy.dump(target.pid), gilspy.dump(target.pid, "-n")
        assert len(plain["threads"]) == 1 and len(document["threads"]) == 2
        foreign = document["threads"][1]
        until(lambda: target.call_of(foreign["tid"]), "the foreign thread to sleep")
        foreign = gilspy.dump(target.pid, "-n")["threads"][1]
        assert foreign["interpreters"] == [] and foreign["gil"] == "none" and foreign["ident"] == 0
        functions = [frame["function"] for frame in foreign["frames"]]
        assert functions[:2] == ["pause", "idle"] and {frame["kind"] for frame in foreign["frames"]} == {"native"}


MUSL = "3.13musl", "musl", ["musl-gcc", "-DBY_FAULT"], "busy"  # whose own functions have no unwind tables


@pytest.mark.parametrize("kind, where, compiler, how", [
    ("3.11", "system", ["cc"], "asleep"), ("3.11", "system", ["cc"], "busy"), MUSL])
def test_signal_stack(folders, tmp_path, kind, where, compiler, how):
    """A signal handler on a stack of its own, and below it what the signal has interrupted."""
    python = choose(kind, where)
    path = native.compile_altstack(str(tmp_path), compiler)
    with running(python, folders, "native_altstack.py", path, how, pipes=["sleep"]) as target:
        tid = target.began["tids"]["struck"]
        if how == "asleep":
            target.wait_reading(tid, "sleep")
        else:
            target.wait_computing(tid)
        thread = gilspy.threads_by_name(gilspy.dump(target.pid, "-n", "--max-pause", "100%"))["struck"]
        rows = [("native", "handle_" + how)] + [("native", "struck")] * 41 + [("python", "strike")]
        assert native.seen(thread, set(rows)) == rows
        assert native.gaps(thread) == ["no unwind information leads on from here"] * (where == "musl")  # where it began


@pytest.mark.parametrize("what, function", [
    ("match", "sre_ucs1_match"), ("deflate", "deflate"), ("hash", "PKCS5_PBKDF2_HMAC|pbkdf2_hmac_impl"),
    ("sql", "sqlite3_step|pysqlite_step")])
def test_standard_library(folders, what, function):
    """Functions of the standard library's own C code, holding and without the GIL."""
    python = choose("3.11", "pyenv")
    with running(python, folders, "native_standard.py", what) as target:
        def shown():
            thread = gilspy.threads_by_name(gilspy.dump(target.pid, "-n", "--max-pause", "100%"))["worker"]
            return any(frame["kind"] == "native" and re.fullmatch(function, re.sub(r"\..*", "", frame["function"]))
                       for frame in thread["frames"])
        until(shown, function)


@pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is not installed")
@pytest.mark.slow
def test_core(folders, library, tmp_path):
    """The core of a process has the same stacks as the process."""
    python = choose("3.11", "system")
    with start(python, folders, library) as target:
        wait_asleep(target)
        alive = gilspy.threads_by_name(gilspy.dump(target.pid, "-n"))
        subprocess.run(["gcore", "-o", str(tmp_path / "core"), str(target.pid)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        core = str(tmp_path / ("core.%d" % target.pid))
        done = gilspy.run("dump", "-n", "-c", core)
        assert done.returncode == 0 and "gap" not in done.stdout
        for name in "outer_plain", "outer_pointer", "outer_alloca", "outer_cpp":
            variant = name.split("_")[1]
            times = [frame["function"] for frame in alive[variant]["frames"]].count(name)
            dumped = gilspy.run("dump", "-n", "-c", core, "-v", "--thread", variant).stdout
            # All registers are in a core: nothing has to be guessed.
            assert len(re.findall(r"^    %s +libchain\.so$" % name, dumped, re.M)) == times == TIMES


@pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is not installed")
@pytest.mark.slow
def test_as_gdb_sees_it(folders, library):
    """Each C function that is shown is one that gdb shows, in the same order."""
    python = choose("3.11", "pyenv")
    with start(python, folders, library) as target:
        wait_asleep(target)
        threads = gilspy.threads_by_name(gilspy.dump(target.pid, "-n"))
        done = subprocess.run(["gdb", "-nx", "-batch", "-p", str(target.pid), "-ex", "thread apply all bt"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True,
                              env=dict(os.environ, DEBUGINFOD_URLS=""), timeout=180)
        stacks = {int(tid): re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(.+?) \(", text, re.M) for tid, text in
                  re.findall(r"^Thread \d+ \([^\n]*?LWP (\d+)\)[^\n]*\n(.*?)(?=^Thread |\Z)", done.stdout, re.M | re.S)}

        def plain(name):
            return re.sub(r"^(__GI_)?_*(libc_)?_*", "", re.sub(r"\..*|\(.*|<.*", "", name))
        for name in "plain", "pointer", "alloca", "generator":
            theirs = [plain(function) for function in stacks[threads[name]["tid"]]]
            ours = [plain(frame["function"]) for frame in threads[name]["frames"] if frame["kind"] == "native" and "+0x" not in frame["function"]]
            rest = iter(theirs)
            assert len(ours) > 20 and [function for function in ours if function not in rest] == [], (name, theirs)


@pytest.mark.slow
def test_record(folders, library, tmp_path):
    """C frames are in what is recorded, and in what is drawn of it."""
    python = choose("3.11", "system")
    with start(python, folders, library, "spin") as target:
        wait_asleep(target)
        kept, folded = str(tmp_path / "run.gilspy"), str(tmp_path / "run.folded")
        done = gilspy.run("record", "-n", "-p", target.pid, "-d", "3", "--max-pause", "100%", "-q", "-o", kept)
        assert done.returncode == 0
        assert gilspy.run("report", kept, "-m", "wall", "-t", "-o", folded).returncode == 0
        with open(folded) as file:
            rows = file.read().splitlines()
        assert any(re.search(r"compute \(.*\);.*spin_plain \(libchain\.so\);turn_plain \(libchain\.so\) \d+$", row)
                   for row in rows)
        assert any(re.search(r"^plain;.*outer_plain \(libchain\.so\);middle_plain .*asleep .*read \(libc\.so\.6\) \d+$",
                             row) for row in rows)
        check_unharmed(target)
