"""Names of the C functions of libraries as they come from PyPI, changed by patchelf."""
import os
import re
import signal
import subprocess

import pytest

import gilspy
from target import until

SCENES = {
    "numpy": ("import numpy as np\na = np.random.rand(300000)\nprint(flush=True)\nwhile True: np.sort(a)\n",
              "_multiarray_umath"),
    "openblas": ("import numpy as np\nm = np.random.rand(600, 600)\nprint(flush=True)\nwhile True: m @ m\n",
                 "libscipy_openblas"),
    "scipy": ("import numpy as np, scipy.linalg\nm = np.random.rand(300, 300)\nprint(flush=True)\n"
              "while True: scipy.linalg.svd(m)\n", "libscipy_openblas"),
}


def functions_of(path):
    """The names that binutils finds in a file."""
    command = ["readelf", "--wide", "--demangle", "--symbols", path]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = (line.split(maxsplit=7) for line in listed.splitlines())
    return {row[7].split("@")[0] for row in rows if len(row) > 7 and row[3] in ("FUNC", "IFUNC") and row[6] != "UND"}


@pytest.mark.parametrize("scene", SCENES)
def test_functions_have_names(real, seen, scene):
    source, module = SCENES[scene]
    process, _ = real.run(source)

    def frames_of(document):
        return [frame for thread in document["threads"] for frame in thread["frames"]
                if frame["kind"] == "native" and (frame["module"] or "").startswith(module)]
    document = seen(process.pid, frames_of, "-n")
    frames = frames_of(document)
    with open("/proc/%d/maps" % process.pid) as maps:
        paths = {line.split()[-1] for line in maps if os.path.basename(line.split()[-1]) == frames[0]["module"]}
    assert {frame["function"] for frame in frames} <= functions_of(*paths)


LIBRARIES = {  # of Rust and of C++
    "polars": ("import numpy, polars\nd = polars.DataFrame({'k': numpy.random.randint(0, 99999, 1000000)})\n"
               "d = d.with_columns(v=polars.col('k') * 0.1)\nprint(flush=True)\n"
               "while True: d.group_by('k').agg(polars.col('v').median())\n", "_polars_runtime", "rayon_core::job::StackJob::execute"),
    "grpc": ("import concurrent.futures, grpc\ns = grpc.server(concurrent.futures.ThreadPoolExecutor(2))\n"
             "p = s.add_insecure_port('127.0.0.1:0')\ns.start()\nc = grpc.insecure_channel('127.0.0.1:%d' % p)\nprint(flush=True)\n"
             "while True:\n try: c.unary_unary('/a/b')(b'')\n except grpc.RpcError: pass\n", "cygrpc", None),
}


def end_of(text, at):
    """Behind what closes the bracket at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += text[i] in "<([{"
        depth -= text[i] in ">)]}" and text[i - 1] != "-"
        if depth == 0:
            return i + 1
    return len(text)


def short(name):
    """What a reader needs of a demangled name, found in another way: its path, without types and parameters."""
    anonymous = "(anonymous namespace)"
    out, i = "", 0
    while i < len(name):
        if name.startswith(anonymous, i):
            out, i = out + anonymous, i + len(anonymous)
        elif name[i] == "<" and not out:
            end, inner, at = end_of(name, i), name[i + 1:end_of(name, i) - 1], 0
            while at < len(inner) and not inner.startswith(" as ", at):
                at = end_of(inner, at) if inner[at] in "<([{" else at + 1
            out, i = out + short(inner[:at].lstrip("&*")), end
        elif name[i] == "<":
            out, i = out[:-2] if out.endswith("::") else out, end_of(name, i)
        elif name[i] == "(":
            break
        elif name[i] == " ":
            out, i = "" if not name.startswith(" [clone", i) else out, i + 1 if not name.startswith(" [clone", i) else len(name)
        else:
            end = end_of(name, i) if name[i] in "[{" else i + 1
            out, i = out + name[i:end], end
    return out


@pytest.mark.parametrize("library", LIBRARIES)
def test_short_names(real, library):
    """The functions of these libraries, whose names take up to thousands of bytes with their types."""
    source, module, wanted = LIBRARIES[library]
    process, _ = real.run(source)
    met = {}

    def looks():
        os.kill(process.pid, signal.SIGSTOP)
        document = gilspy.dump(process.pid, "-n")
        text = gilspy.run("dump", "-n", "-p", process.pid).stdout
        os.kill(process.pid, signal.SIGCONT)
        frames = [frame for thread in document["threads"] for frame in thread["frames"]]
        met.update((frame["function"], text) for frame in frames if (frame["module"] or "").startswith(module))
        return len(met) > 20 and (not wanted or any(wanted in text for text in met.values()))
    until(looks, "functions of " + library)
    for name, text in met.items():
        if "operator" not in name and not name.startswith(module):
            assert re.search(r"^    %s  " % re.escape(short(name)), text, re.M), name
