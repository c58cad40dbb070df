"""Runs in the emulated machine: the unit tests of the build, then live tests against its Pythons; counts both."""
import concurrent.futures
import glob
import os
import subprocess
import sys
import xml.etree.ElementTree as tree

LANE = ["test_gil.py", "test_stacks.py", "test_record.py", "test_stat.py"]
RESULTS = "/tmp/results"
PATIENCE_S = 240


def run_unit(path):
    """None, or what is wrong."""
    try:
        done = subprocess.run([path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return "takes longer than %d s" % PATIENCE_S
    return None if done.returncode == 0 else "%d\n%s" % (done.returncode, done.stdout.decode(errors="replace")[-1500:])


def run_units():
    paths = sorted(glob.glob(os.environ["BUILD"] + "/tests/test_*"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = {path: why for path, why in zip(paths, pool.map(run_unit, paths)) if why}
    for path, why in wrong.items():
        print("FAILED", path, why, flush=True)
    suite = tree.Element("testsuite", tests=str(len(paths)), failures=str(len(wrong)))
    tree.ElementTree(suite).write(RESULTS + "/unit.xml")


def main(arguments):
    os.makedirs(RESULTS)
    if not arguments:
        run_units()
    tests = arguments or ["tests/live/" + name for name in LANE]
    subprocess.run([sys.executable, "-B", "-m", "pytest", "-q", "-c", "tests/pytest.ini", "-o", "addopts=-rfEsX", "-p",
                    "no:cacheprovider", "--rootdir", "tests", "--junit-xml", RESULTS + "/live.xml", *tests], check=False)
    return subprocess.run([sys.executable, "-B", "tests/count.py", RESULTS], check=False).returncode


sys.exit(main(sys.argv[1:]))
