"""Runs in the emulated machine: the unit tests that it is given, then against its Pythons live tests and the oracle of
torn stacks (tests/bench/wrong.c); counts all."""
import concurrent.futures
import glob
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as tree

LANE = ["test_gil.py", "test_stacks.py"]
TRIXIE = "/var/cache/gilspy/pythons/trixie"
ORACLE, ORACLE_SAMPLES = "/tests/bench/oracle_fixed.py", 1000
RESULTS = "/tmp/results"
PATIENCE_S = 240


def run_unit(path):
    """None, or what is wrong."""
    print(path, flush=True)
    try:
        done = subprocess.run([path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return "takes longer than %d s" % PATIENCE_S
    return None if done.returncode == 0 else "%d\n%s" % (done.returncode, done.stdout.decode(errors="replace")[-1500:])


def write_suite(name, count, failed):
    suite = tree.Element("testsuite", tests=str(count), failures=str(failed))
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
    right = [run_oracle(["python3", os.getcwd() + ORACLE]),
             run_oracle(["chroot", TRIXIE, "python3.13", "/tmp/oracle_fixed.py"])]
    write_suite("oracle", len(right), right.count(False))


def run_units():
    paths = sorted(glob.glob(os.environ["BUILD"] + "/tests/test_*"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = {path: why for path, why in zip(paths, pool.map(run_unit, paths)) if why}
    for path, why in wrong.items():
        print("FAILED", path, why, flush=True)
    write_suite("unit", len(paths), len(wrong))


def main(arguments):
    os.makedirs(RESULTS)
    if not arguments:
        run_oracles()
        run_units()
    tests = arguments or ["tests/live/" + name for name in LANE]
    subprocess.run([sys.executable, "-B", "-m", "pytest", "-q", "-c", "tests/pytest.ini", "-o", "addopts=-rfEsX", "-p",
                    "no:cacheprovider", "--rootdir", "tests", "--junit-xml", RESULTS + "/live.xml", *tests], check=False)
    return subprocess.run([sys.executable, "-B", "tests/count.py", RESULTS], check=False).returncode


sys.exit(main(sys.argv[1:]))
