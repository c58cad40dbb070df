"""Runs in the emulated machine: against its Pythons live tests and the oracle of torn stacks (tests/bench/wrong.c), and the
unit tests that it is given; counts all. What has not begun when the time is up is left out, by name."""
import concurrent.futures
import glob
import json
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as tree

from deadline import late

LANE = ["emulated/test_machine.py", "live/test_native.py::test_signal_stack", "live/test_native.py::test_runners",
        "live/test_native.py::test_leaf", "live/test_native.py::test_hog", "live/test_cores.py::test_kernel",
        "live/test_guard.py::test_stop_and_go_on", "live/test_guard.py::test_children",
        "live/test_guard.py::test_it_runs_another_program", "live/test_gil.py", "live/test_stacks.py"]
TRIXIE = "/var/cache/gilspy/pythons/trixie"
ORACLE, ORACLE_SAMPLES = "/tests/bench/oracle_fixed.py", 1000
RESULTS = "/tmp/results"
PATIENCE_S = 240
os.environ["GILSPY_EMULATED_END"] = str(time.monotonic() + float(os.environ["GILSPY_EMULATED_S"]))


def run_unit(path):
    """Whether it passed, as tests/run.py says it: what failed is run once more; None: it was left out."""
    if late():
        print("SKIPPED", path, "no time is left", flush=True)
        return None
    return passed(path) or passed(path)


def passed(path):
    began = time.monotonic()
    try:
        done = subprocess.run([path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S, check=False)
        status, said = done.returncode, done.stdout
    except subprocess.TimeoutExpired as why:
        status, said = "does not end", why.stdout or b""
    if status:
        print("FAILED", path, status, said.decode(errors="replace")[-1500:], flush=True)
    print("%-60s %4d s" % (path, time.monotonic() - began), flush=True)
    return status == 0


def write_suite(name, outcomes):
    suite = tree.Element("testsuite", tests=str(len(outcomes)), failures=str(outcomes.count(False)),
                         skipped=str(outcomes.count(None)))
    tree.ElementTree(suite).write("%s/%s.xml" % (RESULTS, name))


def run_oracle(command):
    """Whether no stack of many is one that the program cannot have."""
    with subprocess.Popen([*command, "fixed"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as target:
        target.stdout.readline()
        done = subprocess.run([os.environ["BUILD"] + "/tests/bench_wrong", str(target.pid), "fixed", str(ORACLE_SAMPLES)],
                              stdout=subprocess.PIPE, check=False)
        target.kill()
    print("oracle:", done.stdout.decode().strip(), flush=True)
    return done.returncode == 0 and json.loads(done.stdout)["wrong"] == 0


def run_oracles():
    shutil.copy(os.getcwd() + ORACLE, TRIXIE + "/tmp")
    write_suite("oracle", [run_oracle(["python3", os.getcwd() + ORACLE]),
                           run_oracle(["chroot", TRIXIE, "python3.13", "/tmp/oracle_fixed.py"])])


def run_units():
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        write_suite("unit", list(pool.map(run_unit, sorted(glob.glob(os.environ["BUILD"] + "/tests/test_*")))))


def main(arguments):
    os.makedirs(RESULTS)
    tests = arguments or ["tests/" + name for name in LANE]
    subprocess.run([sys.executable, "-B", "tests/run.py", "tests", RESULTS + "/live.xml", "-v", "-o", "addopts=-rfEsX -W ignore",
                    "-p", "no:cacheprovider", "-p", "emulated.deadline", "--durations=8", *tests],
                   env={**os.environ, "PYTHONPATH": "tests"}, check=False)
    for part in [] if arguments else [run_oracles, run_units]:
        began = time.monotonic()
        part()
        print("%s: %d s" % (part.__name__, time.monotonic() - began), flush=True)
    return subprocess.run([sys.executable, "-B", "tests/count.py", RESULTS], check=False).returncode


sys.exit(main(sys.argv[1:]))
