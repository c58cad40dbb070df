"""libgilspy as somebody else's program has it: installed, found by pkg-config, compiled as C99 and as C++."""
import ctypes
import os
import re
import resource
import signal
import subprocess
import threading

import pytest

import gilspy

BUILD = os.path.dirname(gilspy.PROGRAM)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORDS = ["holds", "waits", "without", "none", "unknown"]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    if not os.path.exists(os.path.join(BUILD, "libgilspy.so")):
        pytest.skip("this build has no library: sanitizers are for programs")
    path = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", BUILD, "--prefix", path], check=True, stdout=subprocess.DEVNULL)
    return path


@pytest.fixture
def library(prefix):
    [folder] = (prefix / "lib").rglob("libgilspy.so.0")
    return ctypes.CDLL(str(folder))


def flags(prefix, *words):
    [package] = (prefix / "lib").rglob("gilspy.pc")
    environment = dict(os.environ, PKG_CONFIG_PATH=str(package.parent))
    told = subprocess.run(["pkg-config", *words, "gilspy"], env=environment,
                          stdout=subprocess.PIPE, text=True, check=True)
    return told.stdout.split()


@pytest.mark.parametrize("compiler", [["cc", "-std=c99", "-pedantic"], ["c++", "-x", "c++", "-std=c++17"]], ids=["c99", "c++"])
def test_example(prefix, tmp_path, spinning, compiler):
    program = tmp_path / "holders"
    [source] = prefix.rglob("holders.c")
    subprocess.run([*compiler, "-Wall", "-Wextra", "-Werror", *flags(prefix, "--cflags"), source, "-o", program,
                    *flags(prefix, "--libs")], check=True)
    [folder] = {path.parent for path in (prefix / "lib").rglob("libgilspy.so.0")}
    done = subprocess.run([program, str(spinning.pid)], env=dict(os.environ, LD_LIBRARY_PATH=str(folder)), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    [samples] = re.findall(r"^(\d+) samples$", done.stdout, re.MULTILINE)  # fewer where it gets no processor in time
    assert 0 < int(samples) <= 20 and "worker holds the GIL\n" in done.stdout
    held = done.stdout.rpartition("held ")[2]
    assert 80 < int(held.split()[0]) <= 100


def test_only_its_own_names_are_seen(prefix):
    [path] = (prefix / "lib").rglob("libgilspy.so.0.1.0")
    listed = subprocess.run(["nm", "-D", "--defined-only", "--format=just-symbols", path], stdout=subprocess.PIPE, text=True,
                            check=True)
    names = listed.stdout.split()
    assert len(names) >= 30 and all(name.startswith("gilspy_") for name in names)
    with open(os.path.join(ROOT, "include", "gilspy", "gilspy.h")) as header:
        declared = header.read()
    assert all("%s(" % name in declared for name in names)


class Error(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("what", ctypes.c_char * 480), ("todo", ctypes.c_char * 320)]

    def __init__(self):
        super().__init__(struct_size=ctypes.sizeof(Error))


class Thread(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("tid", ctypes.c_int), ("ident", ctypes.c_uint64),
                ("name", ctypes.c_char_p), ("main", ctypes.c_int), ("gil", ctypes.c_int), ("inferred", ctypes.c_int),
                ("running", ctypes.c_int), ("torn", ctypes.c_int), ("gil_index", ctypes.c_size_t),
                ("frame_count", ctypes.c_size_t)]


def state_of_the_host():
    return (resource.getrlimit(resource.RLIMIT_NOFILE), os.sched_getaffinity(0), os.umask(os.umask(0)),
            [signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT)],
            signal.pthread_sigmask(signal.SIG_BLOCK, []))


def threads_of(library, sample):
    found = {}
    for index in range(library.gilspy_sample_threads(sample)):
        thread = Thread(struct_size=ctypes.sizeof(Thread))
        assert library.gilspy_sample_thread(sample, index, ctypes.byref(thread)) == 0
        found[thread.name.decode()] = thread
    return found


def attach(library, pid):
    error, process = Error(), ctypes.c_void_p()
    status = library.gilspy_attach(pid, None, ctypes.byref(process), ctypes.byref(error))
    return status, process, error


def test_host_stays_as_it_is(library, spinning, tmp_path):
    before, error = state_of_the_host(), Error()
    status, process, _ = attach(library, spinning.pid)
    assert status == 0
    recording = tmp_path / "run.gilspy"
    assert library.gilspy_record(process, str(recording).encode(), ctypes.c_double(200), ctypes.c_double(0.3),
                                 ctypes.byref(error)) == 0, error.what
    sample = ctypes.c_void_p()
    assert library.gilspy_snapshot(process, ctypes.byref(sample), ctypes.byref(error)) == 0
    threads = threads_of(library, sample)
    assert WORDS[threads["worker"].gil] == "holds" and threads["worker"].frame_count > 0
    assert threads["MainThread"].main and threads["MainThread"].tid == spinning.pid
    library.gilspy_close(process)
    assert state_of_the_host() == before
    told = gilspy.run("report", recording, "-f", "folded", "-o", "-")
    assert told.returncode == 0 and "deep" in told.stdout


def test_recording_gives_the_same_samples(library, spinning, tmp_path):
    seen = {}
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)

    def note(context, sample):
        for name, thread in threads_of(library, ctypes.c_void_p(sample)).items():
            seen.setdefault(name, []).append(thread.gil)
        return 0
    path = tmp_path / "run.gilspy"
    assert gilspy.run("record", "-p", spinning.pid, "-d", "1", "-o", path).returncode == 0
    error, recording, whole = Error(), ctypes.c_void_p(), ctypes.c_int()
    assert library.gilspy_recording_open(str(path).encode(), ctypes.byref(recording), ctypes.byref(error)) == 0
    assert library.gilspy_recording_play(recording, callback(note), None, ctypes.byref(whole), ctypes.byref(error)) == 0
    assert whole.value == 1 and WORDS[max(seen["worker"], key=seen["worker"].count)] == "holds"
    figures = ctypes.c_void_p()
    assert library.gilspy_recording_stat(recording, 0, ctypes.byref(figures), ctypes.byref(error)) == 0
    library.gilspy_figures_seconds.restype = ctypes.c_double
    assert 0 < library.gilspy_figures_seconds(figures) < 60
    library.gilspy_figures_free(figures)
    library.gilspy_recording_close(recording)


def test_stopped_from_another_thread(library, spinning):
    status, process, _ = attach(library, spinning.pid)
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    begun, error = threading.Event(), Error()

    def note(context, sample):
        begun.set()
        return 0
    kept = callback(note)
    runner = threading.Thread(target=lambda: library.gilspy_run(process, ctypes.c_double(100), ctypes.c_double(0), kept,
                                                                None, ctypes.byref(error)))
    runner.start()
    assert begun.wait(60)
    library.gilspy_stop(process)
    runner.join(60)
    assert not runner.is_alive()
    library.gilspy_close(process)


def test_errors(library, spinning, tmp_path):
    with subprocess.Popen(["sleep", "100"]) as other:
        for pid, wanted in ((other.pid, 5), (2 ** 22 + 1, 3)):
            status, process, error = attach(library, pid)
            assert status == wanted and not process and error.what
        other.kill()
    error, small = Error(), ctypes.c_size_t(8)
    _, process, _ = attach(library, spinning.pid)
    sample = ctypes.c_void_p()
    assert library.gilspy_snapshot(process, ctypes.byref(sample), ctypes.byref(error)) == 0
    thread = Thread(struct_size=16, ident=77)
    assert library.gilspy_sample_thread(sample, 0, ctypes.byref(thread)) == 0
    assert thread.tid == spinning.pid and thread.ident == 77  # an older caller's structure ends before it
    assert library.gilspy_sample_thread(sample, 1000, ctypes.byref(thread)) == 2
    assert library.gilspy_sample_frame(sample, 0, 100000, ctypes.byref(small)) == 2
    assert library.gilspy_run(process, ctypes.c_double(0), ctypes.c_double(1), None, None, ctypes.byref(error)) == 2
    assert library.gilspy_record(process, str(tmp_path / "no" / "file").encode(), ctypes.c_double(10), ctypes.c_double(1),
                                 ctypes.byref(error)) == 1 and b"No such file" in error.what
    library.gilspy_close(process)
    library.gilspy_close(None)
