"""record --push, with a server that does what servers should not."""
import base64
import contextlib
import gzip
import http.server
import json
import os
import re
import shutil
import ssl
import subprocess
import threading
import types

import pytest

import gilspy
from engines import fields
from target import running
from test_errors import check_failure

PUSH = "/push.v1.PusherService/Push"
TRAILERS = b"\x80\0\0\0\x10grpc-status: 0\r\n"


class Stub(http.server.ThreadingHTTPServer):
    """Keeps what it is sent, and answers by the list `answers`, whose last is for all that follow: a status, a pair of
    status and body, or what the handler is to do."""

    def __init__(self, *answers):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.got, self.lock = list(answers), [], threading.Lock()
        self.asked, self.ended = threading.Event(), threading.Event()

    def handle_error(self, request, client_address):
        """Whoever goes away is what the test is about."""

    @property
    def address(self):
        return "http://127.0.0.1:%d" % self.server_address[1]

    def paths(self):
        return [path.partition("?")[0] for path, _, _ in self.got]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Stub
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.got.append((self.path, self.headers, body))
            answer = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        self.server.asked.set()
        if callable(answer):
            answer(self)
            return
        status, headers, text = answer if isinstance(answer, tuple) else (answer, {}, b"")
        self.send_response(status)
        for name, value in {"Content-Length": len(text), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        """Nothing."""


@contextlib.contextmanager
def stub(*answers):
    with Stub(*answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()


def push(pid, server, *words, kind="pyroscope", environment=None, duration="300ms"):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GILSPY_PUSH_")}
    return gilspy.run("record", "-p", pid, "-r", 200, "-d", duration, "--push", f"{kind}+{server.address}", *words,
                      env={**clean, **(environment or {})})


def series(body):
    """Labels and pprof of a PushRequest with one profile."""
    [(_, only)] = fields(body)
    labels = [dict(fields(value)) for number, value in fields(only) if number == 1]
    [sample] = [value for number, value in fields(only) if number == 2]
    return {each[1].decode(): each[2].decode() for each in labels}, gzip.decompress(dict(fields(sample))[1])


def profile_times(pprof):
    """When it began, in ns since 1970, and how long it lasted."""
    found = {}
    for number, value in fields(pprof):
        if number in (9, 10):
            found[number] = value
    return found[9], found.get(10, 0)


def test_push(spinning):
    with stub(200) as server:
        done = push(spinning.pid, server, "--every", "1s", "--label", "env=test", "--label", "a=b c", "-j", duration="2500ms",
                    environment={"GILSPY_PUSH_TENANT": "us"})
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["pushed"] == {"server": f"pyroscope+{server.address}", "profiles": len(server.got), "lost": 0}
    assert document["format"] == "pprof" and len(server.got) > 1
    until = None
    for path, headers, body in server.got:
        assert path == PUSH and headers["Content-Type"] == "application/proto" and headers["X-Scope-OrgID"] == "us"
        assert headers["Authorization"] is None
        labels, pprof = series(body)
        assert labels == {"__name__": "cpython", "service_name": "states", "pid": str(spinning.pid), "env": "test", "a": "b c"}
        begin, lasted = profile_times(pprof)
        assert until in (None, begin)
        until = begin + lasted


def test_push_and_file(spinning, tmp_path):
    with stub(200) as server:
        done = push(spinning.pid, server, "-o", tmp_path / "a.gilspy")
    assert done.returncode == 0 and "1 profile pushed" in done.stderr
    assert (tmp_path / "a.gilspy").exists() and len(server.got) == 1


def test_service_of_the_environment():
    code = "import sys\nprint(flush=True)\nsys.stdin.read()"
    name = "shop\n\x1b[2J\"{}=,"
    with subprocess.Popen(["/usr/bin/python3", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={**os.environ, "OTEL_SERVICE_NAME": name}) as process, stub(404, 200) as server:
        process.stdout.readline()
        done = push(process.pid, server)
        process.stdin.close()
    assert done.returncode == 0
    labels, _ = series(server.got[0][2])
    assert labels["service_name"] == "shop\\x0a\\x1b[2J\"{}=,"
    assert server.paths() == [PUSH, "/ingest"] and "older /ingest" in done.stderr


@pytest.mark.slow
def test_churn(system_python, folders):
    """Threads that come and go, in spans that are short beside them."""
    with running(system_python, folders, "churn.py") as target, stub(200) as server:
        done = push(target.pid, server, "-r", "max", "--every", "1s", duration="3500ms")
    assert done.returncode == 0 and len(server.got) > 1


def test_family():
    """Each process has profiles of its own."""
    code = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(1.5)'])"
    with stub(200) as server:
        done = gilspy.run("record", "-q", "-s", "-r", 200, "--every", "1s", "--push", f"pyroscope+{server.address}", "--label", "a=b",
                          "--", "/usr/bin/python3", "-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert len({series(body)[0]["pid"] for _, _, body in server.got}) == 2


@pytest.mark.parametrize("environment, expected", [
    ({"GILSPY_PUSH_TOKEN": "abc"}, "Bearer abc"),
    ({"GILSPY_PUSH_USER": "me", "GILSPY_PUSH_PASSWORD": "s:ecret"}, "Basic " + base64.b64encode(b"me:s:ecret").decode()),
    ({"GILSPY_PUSH_USER": "me"}, "Basic " + base64.b64encode(b"me:").decode())])
@pytest.mark.slow
def test_credentials(target, environment, expected):
    with stub(200) as server:
        done = push(target.pid, server, environment=environment)
    assert done.returncode == 0
    assert {headers["Authorization"] for _, headers, _ in server.got} == {expected}


def test_credentials_in_files(target, tmp_path):
    (tmp_path / "token").write_text("rotated\n")
    with stub(200) as server:
        done = push(target.pid, server, environment={"GILSPY_PUSH_TOKEN_FILE": str(tmp_path / "token")})
        assert done.returncode == 0 and server.got[0][1]["Authorization"] == "Bearer rotated"
        done = push(target.pid, server, environment={"GILSPY_PUSH_TOKEN_FILE": str(tmp_path / "none")})
        check_failure(done, 1, "GILSPY_PUSH_TOKEN_FILE", "No such file")
        done = push(target.pid, server, environment={"GILSPY_PUSH_TOKEN": "a\r\nX: y"})
        check_failure(done, 1, "control characters")


@pytest.mark.parametrize("answer", [500, 503, (429, {"Retry-After": 1}, b"slow down"), (408, {}, b"")])
@pytest.mark.slow
def test_again(spinning, answer):
    """What a server cannot take now is tried again."""
    with stub(answer, 200) as server:
        done = push(spinning.pid, server, "--every", "1s", duration="1500ms")
    assert done.returncode == 0
    bodies = [body for _, _, body in server.got]
    assert bodies[0] == bodies[1] and len(set(bodies)) == len(bodies) - 1
    assert "cannot be pushed to" in done.stderr and "takes profiles again" in done.stderr and "none was lost" in done.stderr


def hang_up(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    handler.close_connection = True


def garbage(handler):
    handler.wfile.write(b"\x00\xff\x1b[2J no HTTP at all\r\n\r\n")
    handler.close_connection = True


@pytest.mark.parametrize("fault", [hang_up, garbage])
@pytest.mark.slow
def test_faults(spinning, fault):
    with stub(fault, 200) as server:
        done = push(spinning.pid, server)
    assert done.returncode == 0 and len(server.got) == 2 and "\x1b" not in done.stderr


@pytest.mark.parametrize("status, words", [
    (400, ["status 400: no \\x1b[2J such"]), (401, ["status 401"]), (413, ["status 413"]),
    (302, ["status 302", "elsewhere"])])
@pytest.mark.slow
def test_refused(spinning, status, words):
    """What a server will never take is told once, and lost."""
    with stub((status, {"Location": "/other"}, b"no \x1b[2J such\nthing")) as server:
        done = push(spinning.pid, server, "--every", "1s", duration="2500ms")
    assert done.returncode == 1 and len(server.got) > 1
    assert done.stderr.count("does not take profiles") == 1
    assert "{0} of {0} profiles, of ".format(len(server.got)) in done.stderr.splitlines()[-1]
    for word in words:
        assert word in done.stderr
    assert set(server.paths()) == {PUSH}


@pytest.mark.slow
def test_nobody_there(spinning, tmp_path):
    """The file is whole, though nothing could be pushed."""
    with stub(200) as server:
        pass
    done = push(spinning.pid, server, "-o", tmp_path / "a.gilspy")
    assert done.returncode == 1 and "1 of 1 profiles" in done.stderr and (tmp_path / "a.gilspy").exists()


@pytest.mark.slow
def test_silent_server(spinning):
    """Whoever never answers keeps nobody from ending."""
    with stub(lambda handler: handler.server.ended.wait(60)) as server:
        done = push(spinning.pid, server)
    assert done.returncode == 1 and "1 of 1 profiles" in done.stderr


def test_otlp_refused(target):
    with stub(404) as server:
        done = push(target.pid, server, kind="otlp")
    assert done.returncode == 1 and "v1development" in done.stderr and server.paths() == ["/v1development/profiles"]
    _, headers, body = server.got[0]
    assert headers["Content-Encoding"] == "gzip" and headers["Otlp-Profiles-Development-Version"] == "1"
    assert list(fields(gzip.decompress(body)))


@pytest.mark.parametrize("answer, taken", [(TRAILERS, True), (b"<!doctype html>", False)])
def test_parca(target, answer, taken):
    """Its pages answer 200 to anything."""
    with stub((200, {}, answer)) as server:
        done = push(target.pid, server, kind="parca")
    assert (done.returncode == 0) == taken and ("no Parca" in done.stderr) != taken
    assert server.got[0][1]["Content-Type"] == "application/grpc-web+proto"


@pytest.mark.parametrize("words, told", [
    (["--push", "http://h"], "no URL"), (["--push", "pyroscope+http://u:secret@h"], "password"),
    (["--push", "pyroscope+http://h", "--label", "pid=1"], "--label"), (["--push", "pyroscope+http://h", "--every", "1ms"], "--every"),
    (["--label", "a=b"], "--label"), (["--every", "5s"], "--every")])
def test_usage(target, words, told):
    done = gilspy.run("record", "-p", target.pid, "-d", "100ms", *words)
    check_failure(done, 2, told)
    assert "secret" not in done.stderr


def certified(folder, name):
    """A certificate of one's own authority for 127.0.0.1, and a context that shows it: the authority's file, the context."""
    openssl = shutil.which("openssl") or pytest.skip("no openssl: script/setup gets it")

    def made(kind, *words):
        files = {"key": folder / f"{name}-{kind}.key", "out": folder / f"{name}-{kind}.pem"}
        subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name} {kind}",
                        "-keyout", files["key"], "-out", files["out"], *words], check=True, capture_output=True)
        return files
    authority = made("authority")
    server = made("server", "-CA", authority["out"], "-CAkey", authority["key"], "-addext", "subjectAltName=IP:127.0.0.1",
                  "-addext", "basicConstraints=critical,CA:FALSE")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server["out"], server["key"])
    return authority["out"], context


@pytest.mark.slow
def test_tls(spinning, tmp_path):
    """A server whose certificate is verified is pushed to; one of another authority, or another name, is refused."""
    ours, context = certified(tmp_path, "ours")
    other, _ = certified(tmp_path, "other")
    with stub(200) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        port = server.server_address[1]
        own = types.SimpleNamespace(address=f"https://127.0.0.1:{port}")
        done = push(spinning.pid, own, environment={"GILSPY_PUSH_CA_FILE": ours})
        assert done.returncode == 0 and server.paths() == [PUSH], done.stderr
        for host, authority in (("127.0.0.1", other), ("localhost", ours)):
            with gilspy.begun("record", "-p", spinning.pid, "--every", "1s", "--push", f"pyroscope+https://{host}:{port}",
                              env={**os.environ, "GILSPY_PUSH_CA_FILE": str(authority)}) as process:
                assert "certificate" in process.stderr.readline()
        assert server.paths() == [PUSH]
