"""Where the names and lines of C functions come from: files of their own, packed symbols, servers; and files that lie."""
import contextlib
import http.server
import json
import os
import shutil
import subprocess
import threading

import pytest

import gilspy
import native
import why
from spaces import choose
from target import running

TIMES = 2


@contextlib.contextmanager
def chains(folders, library):
    """A process whose threads sleep in chains of this library's functions."""
    with running(choose("3.11", "system"), folders, "native_split.py", library, str(TIMES), pipes=["sleep"]) as target:
        target.wait_reading(target.began["tids"]["plain"], "sleep")
        yield target


def calls(target, *args, **options):
    """The frames of the function that no dynamic symbol names, and what was said on stderr."""
    done = gilspy.run("dump", "-j", "-n", "-p", target.pid, *args, **options)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    frames = gilspy.threads_by_name(document)["plain"]["frames"]
    mine = [frame for frame in frames if frame["module"] == "libsplit.so"]
    assert [frame["function"] for frame in mine[1::4]] == ["inner_plain"] * TIMES
    return mine[::4]


def nameless(frames):
    return [frame["function"].startswith("libsplit.so+0x") and frame["line"] is None for frame in frames] == [True] * TIMES


def whole(frames):
    return [(frame["function"], os.path.basename(frame["file"] or ""), (frame["line"] or 0) > 0)
            for frame in frames] == [("call_plain", "chain.c", True)] * TIMES


def test_debug_file(folders, tmp_path):
    """Beside the library, if its build id says that it belongs to it; a file that lies is not believed."""
    split = native.Split(str(tmp_path))
    link = os.path.join(str(tmp_path), "split.debug")
    os.mkdir(str(tmp_path / ".debug"))
    shutil.copy(split.debug, link)
    subprocess.run(["objcopy", "--add-gnu-debuglink=" + link, split.path], check=True)
    os.unlink(link)
    beside = str(tmp_path / ".debug" / "split.debug")
    with chains(folders, split.path) as target:
        assert nameless(calls(target))
        shutil.copy(split.debug, beside)
        assert whole(calls(target))
        for lie in "other", "short", "noise", "fifo":
            os.unlink(beside)
            if lie == "other":  # of another build of the same library
                data = open(split.debug, "rb").read()
                at = data.index(bytes.fromhex(split.build_id))
                open(beside, "wb").write(data[:at] + bytes(20) + data[at + 20:])
            elif lie == "short":
                open(beside, "wb").write(open(split.debug, "rb").read()[:700])
            elif lie == "noise":  # the right build id, and nothing else that is right
                data = bytearray(open(split.debug, "rb").read())
                keep = data.index(bytes.fromhex(split.build_id)) + 20
                data[keep:] = bytes((i * 73 + 41) % 256 for i in range(len(data) - keep))
                open(beside, "wb").write(data)
            else:
                os.mkfifo(beside)
            assert nameless(calls(target)), lie


def test_packed_symbols(folders, tmp_path):
    """Symbols in .gnu_debugdata; they have no lines."""
    if not shutil.which("xz"):
        pytest.skip("xz is not installed")
    split = native.Split(str(tmp_path))
    split.pack_symbols()
    with chains(folders, split.path) as target:
        assert [(frame["function"], frame["line"]) for frame in calls(target)] == [("call_plain", None)] * TIMES


class Server(http.server.ThreadingHTTPServer):
    """A debuginfod with one file."""
    def __init__(self, split, path):
        self.split, self.path, self.asked = split, path, []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path != "/buildid/%s/debuginfo" % self.server.split.build_id:
            return self.send_error(404)
        with open(self.server.path, "rb") as file:
            data = file.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return self.wfile.write(data)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving(split, path):
    with Server(split, path) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def asking(folder, url):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DEBUGINFOD")}
    return {**clean, "DEBUGINFOD_URLS": url, "DEBUGINFOD_CACHE_PATH": os.path.join(str(folder), "cache")}


@pytest.mark.skipif(not shutil.which("debuginfod-find"), reason="debuginfod-find is not installed")
def test_debuginfod(folders, tmp_path):
    """A server is asked if that is wanted, once for each file; one that lies is not believed."""
    split, liar = native.Split(str(tmp_path)), str(tmp_path / "other.debuginfo")
    wanted = "/buildid/%s/debuginfo" % split.build_id
    with chains(folders, split.path) as target, serving(split, split.debug) as server:
        env = asking(tmp_path, "http://127.0.0.1:%d" % server.server_port)
        assert nameless(calls(target, env=env)) and server.asked == []
        assert whole(calls(target, "--debuginfod", env=env))
        assert server.asked.count(wanted) == 1 and all(path.startswith("/buildid/") for path in server.asked)
        assert whole(calls(target, "--debuginfod", env=env)) and server.asked.count(wanted) == 1  # it was kept
        data = open(split.debug, "rb").read().replace(bytes.fromhex(split.build_id), bytes(20))
        open(liar, "wb").write(data)
        server.path, server.asked = liar, []
        env["DEBUGINFOD_CACHE_PATH"] += "-2"
        assert nameless(calls(target, "--debuginfod", env=env)) and wanted in server.asked
        env["DEBUGINFOD_CACHE_PATH"] += "-3"
        env["DEBUGINFOD_URLS"] = "http://127.0.0.1:1"  # nobody answers there
        assert nameless(calls(target, "--debuginfod", env=env))
        out = str(tmp_path / "run.folded")
        env = asking(tmp_path, "http://127.0.0.1:%d" % server.server_port)
        done = gilspy.run("record", "-n", "--debuginfod", "-m", "wall", "-d", "0.5", "-p", target.pid, "-o", out, "-q",
                          env=env)
        assert done.returncode == 0 and "call_plain (libsplit.so)" in open(out).read()


def test_debuginfod_needs(tmp_path):
    """Who asks for servers is told when there are none, or nobody to ask them."""
    done = gilspy.run("dump", "-n", "--debuginfod", "-p", os.getpid(), env=asking(tmp_path, " "))
    assert done.returncode == 2 and "DEBUGINFOD_URLS names no server" in done.stderr
    env = {**asking(tmp_path, "http://127.0.0.1:1"), "PATH": str(tmp_path)}
    done = gilspy.run("dump", "-n", "--debuginfod", "-p", os.getpid(), env=env)
    assert done.returncode == 1 and "debuginfod-find is not installed" in done.stderr


def test_names_out_of_tables(python, folders):
    """What a Python without symbols calls its functions of C."""
    if python.label != "3.11.2-system":
        pytest.skip("there are symbols elsewhere")
    with running(python, folders, "well.py", "idle", pipes=why.PIPES) as target:
        why.begin_idle(target)
        threads = gilspy.threads_by_name(gilspy.dump(target.pid, "-n"))
        for name, function in ("sleeper", "time.sleep"), ("receiver", "_socket.socket.recv"):
            frames = threads[name]["frames"]
            called = [frame["function"] for frame in frames[:[frame["kind"] for frame in frames].index("python")]]
            assert function in called
