"""Servers of profiles, as script/setup --engines built them: each runs for one test, on this machine alone."""
import contextlib
import http.client
import json
import os
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

FOLDER = os.path.join(os.environ.get("GILSPY_PYTHONS", "/var/cache/gilspy/pythons"), "engines")
READY_S = 90
PYROSCOPE = """
target: all
server: {{http_listen_address: 127.0.0.1, http_listen_port: {http}, grpc_listen_address: 127.0.0.1, grpc_listen_port: {grpc}}}
analytics: {{reporting_enabled: false}}
self_profiling: {{disable_push: true}}
memberlist: {{bind_addr: [127.0.0.1], bind_port: {gossip}, advertise_addr: 127.0.0.1, advertise_port: {gossip}}}
storage: {{backend: filesystem, filesystem: {{dir: {folder}/shared}}}}
pyroscopedb: {{data_path: {folder}/data}}
"""
LOOPBACK = ["compactor.ring.instance-addr", "distributor.ring.instance-addr", "ingester.lifecycler.addr",
            "overrides-exporter.ring.instance-addr", "query-frontend.instance-addr", "query-scheduler.ring.instance-addr",
            "store-gateway.sharding-ring.instance-addr"]
COLLECTOR = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{http}"}}}}}}}}
exporters: {{debug: {{verbosity: detailed}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{profiles: {{receivers: [otlp], exporters: [debug]}}}}
"""

PARCA = """
object_storage: {{bucket: {{type: FILESYSTEM, config: {{directory: "{folder}/data"}}}}}}
scrape_configs: []
"""


def program(name):
    path = os.path.join(FOLDER, name)
    if not os.access(path, os.X_OK):
        pytest.skip(f"no {name} in {FOLDER}: script/setup gets Prometheus, script/setup --engines builds the others")
    return path


def ports(count):
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in taken:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in taken]


@contextlib.contextmanager
def running(command, folder, is_ready):
    """The server, once it is ready; what it said is in folder/log."""
    log = folder / "log"
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder)
    try:
        end = time.monotonic() + READY_S
        while not is_ready():
            assert process.poll() is None and time.monotonic() < end, log.read_text(encoding="utf-8")[-4000:]
            time.sleep(0.2)
        yield process
    finally:
        process.kill()
        process.wait()


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (OSError, http.client.HTTPException):
        return False


PROMETHEUS = """
global: {{scrape_interval: 500ms}}
scrape_configs: [{{job_name: gilspy, static_configs: [{{targets: ["{target}"]}}]}}]
"""


@contextlib.contextmanager
def prometheus(folder, target):
    """A Prometheus that asks target for its figures; yields a function that asks it: a query, the list of results."""
    [port] = ports(1)
    (folder / "config.yaml").write_text(PROMETHEUS.format(target=target))
    url = f"http://127.0.0.1:{port}"

    def ask(query):
        with urllib.request.urlopen(f"{url}/api/v1/query?query={urllib.parse.quote(query)}", timeout=30) as answer:
            return json.load(answer)["data"]["result"]

    command = [program("prometheus"), f"--config.file={folder}/config.yaml", f"--storage.tsdb.path={folder}/data",
               f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with running(command, folder, lambda: answers(url + "/-/ready")):
        yield ask


class Pyroscope:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, method, **question):
        """A question about the last hour."""
        now = int(time.time() * 1000)
        body = json.dumps({"start": now - 3600000, "end": now + 60000, **question}).encode()
        request = urllib.request.Request(f"{self.url}/querier.v1.QuerierService/{method}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def types(self):
        return {each["ID"] for each in self.ask("ProfileTypes").get("profileTypes", [])}

    def total_ns(self, kind, selector):
        graph = self.ask("SelectMergeStacktraces", profileTypeID=kind, labelSelector=selector).get("flamegraph", {})
        return int(graph.get("total", 0)), set(graph.get("names", []))

    def series(self):
        return [{each["name"]: each["value"] for each in one["labels"]} for one in self.ask("Series", matchers=[]).get("labelsSet", [])]


@contextlib.contextmanager
def pyroscope(folder):
    http_port, grpc, gossip = ports(3)
    (folder / "config.yaml").write_text(PYROSCOPE.format(http=http_port, grpc=grpc, gossip=gossip, folder=folder))
    server = Pyroscope(http_port)
    command = [program("pyroscope"), "-config.file", folder / "config.yaml", "-log.level", "warn",
               *(f"-{option}=127.0.0.1" for option in LOOPBACK)]
    with running(command, folder, lambda: answers(server.url + "/ready")):
        yield server


@contextlib.contextmanager
def collector(folder):
    [port] = ports(1)
    (folder / "config.yaml").write_text(COLLECTOR.format(http=port))

    def is_ready():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    with running([program("collector"), "--config", folder / "config.yaml", "--feature-gates=service.profilesSupport"], folder, is_ready):
        yield f"http://127.0.0.1:{port}"


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number, value):
    """One field of a protobuf message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(message):
    """Numbers and values of a protobuf message."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            value |= (message[at] & 127) << shift
            shift += 7
            at += 1
            if not message[at - 1] & 128:
                return value
    while at < len(message):
        key = number()
        if key & 7 == 2:
            length = number()
            at += length
            yield key >> 3, message[at - length:at]
        else:
            assert key & 7 == 0
            yield key >> 3, number()


class Parca:
    """Asked by gRPC-Web: query.proto of Parca 0.20."""
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, method, message):
        request = urllib.request.Request(f"{self.url}/parca.query.v1alpha1.QueryService/{method}",
                                         b"\0" + len(message).to_bytes(4, "big") + message,
                                         {"Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
        assert body and body[0] == 0, body
        return body[5:5 + int.from_bytes(body[1:5], "big")]

    def types(self):
        """As the names that a query begins with."""
        found = set()
        for _, each in fields(self.ask("ProfileTypes", b"")):
            parts = dict(fields(each))
            found.add(":".join(parts[number].decode() for number in range(1, 6)) + (":delta" if parts.get(6) else ""))
        return found

    def total_ns(self, query):
        now = int(time.time())
        merge = field(1, query.encode()) + field(2, field(1, now - 3600)) + field(3, field(1, now + 60))
        return dict(fields(self.ask("Query", field(1, 2) + field(3, merge) + field(5, 4)))).get(9, 0)


@contextlib.contextmanager
def parca(folder):
    [port] = ports(1)
    (folder / "config.yaml").write_text(PARCA.format(folder=folder))
    server = Parca(port)
    with running([program("parca"), f"--config-path={folder}/config.yaml", f"--http-address=127.0.0.1:{port}"], folder,
                 lambda: answers(server.url + "/ready")):
        yield server
