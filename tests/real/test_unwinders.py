"""Our unwinder against two others, on programs that nobody here wrote, stopped in random places.

The same frames are wanted of all three. What may differ, and is counted: another one that ends early where ours goes on to
the end; frames behind the first that ours calls inferred (Go has no unwind tables that lie in memory); and ours that ends
with "unknown" in code that has no table at all, or in a thread that is just born, where the others guess."""
import collections
import json
import os
import shutil
import subprocess

import pytest

import gilspy
from conftest import ENVIRONMENT
from target import until

STOPS = 50
NEAR = 16  # bytes: ours is within the call, theirs one byte before where it returns to
PYTHON = os.path.join(ENVIRONMENT, "bin", "python")
SQL = "with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c where x % 7 = sin(x)"
SORTS = """#include <stdio.h>
#include <stdlib.h>
static int v[100000];
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void)
{
    char text[64];
    for (;;) {
        for (int i = 0; i < 100000; i++) {
            v[i] = rand();
            snprintf(text, sizeof text, "%d", v[i]);
        }
        qsort(v, 100000, sizeof *v, compare);
    }
}
"""
THROWS = """#include <map>
#include <regex>
#include <stdexcept>
#include <string>
static int depth(int n) { if (n == 0) throw std::runtime_error("end"); return depth(n - 1) + 1; }
int main()
{
    std::map<std::string, int> seen;
    for (int i = 0;; i++) {
        try { depth(i % 20); } catch (const std::exception &) { seen[std::to_string(i % 1000)]++; }
        std::regex_match("aaaaaaaaaaaaaaaaaaab", std::regex("(a|aa)+c"));
    }
}
"""
PROGRAMS = {
    "perl": ["perl", "-e", 'for (;;) { $h{int(rand(1e5))} .= "x"; $s = join(",", sort keys %h) if rand() < .001 }'],
    "openssl": ["openssl", "speed", "-seconds", "300", "rsa2048"],
    "xz": ["xz", "-9", "-T2", "-c", "/dev/urandom"],
    "gzip": ["gzip", "-9", "-c", "/dev/urandom"],
    "awk": ["mawk", "BEGIN { for (;;) a[int(rand() * 10000)] = sprintf(\"%f\", rand()) }"],
    "sqlite": ["sqlite3", ":memory:", SQL],
    "bash": ["bash", "-c", "while :; do x=${RANDOM}; y=${x//1/2}; a[x % 100]=$y; done"],
    "ripgrep (Rust)": ["rg", "-j2", "--no-ignore", "zq[a-z]+x{3}", "/usr"],
    "find": ["sh", "-c", "while :; do find /usr/lib -name '*.[x-z]'; done; :"],
    "sort": ["sort", "-R", "/dev/urandom"],
    "gdb": ["gdb", "-q", "-ex", "python\nwhile True: gdb.lookup_static_symbol('x')\nend"],
    "numpy": [PYTHON, "-c", "import numpy as np; a = np.random.rand(300000)\nwhile True: np.sort(a); np.exp(a)"],
    "openblas": [PYTHON, "-c", "import numpy as np; a = np.random.rand(700, 700)\nwhile True: a @ a"],
    "polars": [PYTHON, "-c", "import polars as p, numpy as n; d = p.DataFrame({'k': n.random.randint(0, 999, 1000000)})\n"
                             "while True: d.group_by('k').len()"],
    "pandas": [PYTHON, "-c", "import pandas as p, numpy as n; d = p.DataFrame({'k': n.random.randint(0, 999, 100000)})\n"
                             "while True: d.groupby('k').k.median()"],
    "scikit-learn": [PYTHON, "-c", "import numpy as n, sklearn.cluster as c; a = n.random.rand(3000, 8)\n"
                                   "while True: c.KMeans(8).fit(a)"],
    "opencv": [PYTHON, "-c", "import cv2, numpy as n; a = n.zeros((800, 800), 'u1')\nwhile True: cv2.GaussianBlur(a, (31, 31), 5)"],
    "grpc": [PYTHON, "-c", "import grpc, concurrent.futures as f; s = grpc.server(f.ThreadPoolExecutor(2))\n"
                           "p = s.add_insecure_port('127.0.0.1:0'); s.start(); c = grpc.insecure_channel('127.0.0.1:%d' % p)\n"
                           "while True:\n try: c.unary_unary('/a/b')(b'')\n except grpc.RpcError: pass"],
    "uwsgi": ["uwsgi", "--plugin", "python3", "--http-socket", "127.0.0.1:0", "--threads", "2",
              "--eval", "import threading\ndef spin():\n    while True: sorted(range(1000))\nthreading.Thread(target=spin).start()"],
    "C, musl": ["musl-gcc", SORTS, "-O2"],
    "C, static": ["gcc", SORTS, "-O2", "-static"],
    "C++": ["g++", THROWS, "-O2"],
    "fzf (Go)": ["sh", "-c", "yes abcdefghijklmnopqrstuvwxyz | head -c 300000000 | fzf -f azx; sleep 1000; :"],
}
GUESSES = {"fzf (Go)"}  # no tables: frames may be inferred
WITHOUT_TABLES = {"C, musl"}  # the C library has none


def start(real, command):
    if command[0].endswith(("gcc", "g++")):
        source = real.folder / ("made.cc" if command[0] == "g++" else "made.c")
        source.write_text(command[1])
        subprocess.run([command[0], source, *command[2:], "-o", real.folder / "made"], check=True)
        command = [real.folder / "made"]
    return real.start(*command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def addresses(frames):
    return [int(frame[0], 16) for frame in frames]


def alike(ours, theirs):
    """How many frames are the same from the innermost on."""
    count = 0
    for a, b in zip(addresses(ours), addresses(theirs)):
        if abs(a - b) > NEAR:
            break
        count += 1
    return count


def verdict(program, ours, theirs):
    frames, same = ours["frames"], alike(ours["frames"], theirs)
    inferred = next((i for i, frame in enumerate(frames) if frame[2]), len(frames))
    if same == len(frames) == len(theirs):
        return "same"
    if same == len(theirs) or (ours["end"] == "whole" and same + 1 == len(theirs)):
        return "they end early" if ours["end"] == "whole" else "ours goes on"
    if program in GUESSES and same >= inferred:
        return "inferred"
    if len(frames) == 1 and frames[0][1] == "clone3" and ours["end"] == "unknown":
        return "newborn"
    if program in WITHOUT_TABLES and same == len(frames) and ours["end"] == "unknown":
        return "no table"
    return "different"


def cpu_s(pid):
    """What it and the children that it waited for ran."""
    total = 0
    for task in [pid, *children(pid)]:
        try:
            with open("/proc/%d/stat" % task) as file:
                fields = file.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended, and counts for who waited for it
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return [int(child) for child in file.read().split()]


@pytest.mark.parametrize("program", PROGRAMS)
def test_frames_are_the_same(real, program):
    unwinders = os.path.join(os.path.dirname(gilspy.PROGRAM), "tests", "unwinders")
    command = PROGRAMS[program]
    if not os.path.exists(unwinders):
        pytest.skip("libunwind-dev was not there when it was built: script/setup --real installs it")
    if not shutil.which(command[0]):
        pytest.skip("%s is not installed" % command[0])
    process = start(real, command)
    until(lambda: cpu_s(process.pid) > 2, "it to be at work")  # and to have loaded its libraries
    out = subprocess.run([unwinders, str(process.pid), str(STOPS)], stdout=subprocess.PIPE, text=True, timeout=300).stdout
    stops = [json.loads(line) for line in out.splitlines()]
    assert len(stops) == STOPS
    counted, wrong = collections.Counter(), []
    for stop in stops:
        verdicts = {other: verdict(program, stop["ours"], stop[other]) for other in ("elfutils", "libunwind")}
        counted.update(verdicts.items())
        if "same" not in verdicts.values() and "different" in verdicts.values():
            wrong.append(stop)
    print(program, dict(counted))
    assert not wrong, json.dumps(wrong[0], indent=1)
