"""Runs pytest: python3 -B tests/run.py FOLDER JUNIT PYTEST_ARGUMENT... (FOLDER has pytest.ini).

What failed is run once more, alone, since other programs share the machine: what fails twice has failed. Both tries are
told. Many failures are no accident, and are not tried again. The exit status is that of pytest.
"""
import os
import re
import subprocess
import sys
import xml.etree.ElementTree

ACCIDENTS = 10
GROUP = re.compile(r"@[^\]@]*$")  # by which workers share the tests: a part of the name in JUnit, and not of pytest's


def run(folder, junit, arguments, **options):
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-c", folder + "/pytest.ini", "--rootdir", folder]
    return subprocess.run([*command, "--junit-xml", junit, *arguments], **options).returncode


def cases(tree):
    """The outcomes of each test: {(class, name): its elements}; what fails when it is taken down has two."""
    found = {}
    for case in tree.getroot().iter("testcase"):
        found.setdefault((case.get("classname"), GROUP.sub("", case.get("name"))), []).append(case)
    return found


def failed(outcomes):
    return any(case.find(kind) is not None for case in outcomes for kind in ("failure", "error"))


def node(folder, key):
    return "%s/%s.py::%s" % (folder, key[0].replace(".", "/"), key[1])


def once_more(folder, junit):
    """Whether each test that failed passes alone; then JUNIT says that it passed."""
    tree = xml.etree.ElementTree.parse(junit)
    first = cases(tree)
    accidents = [key for key, outcomes in first.items() if failed(outcomes)]
    if not 0 < len(accidents) <= ACCIDENTS:
        return False
    print("\nOnce more, alone: %s" % ", ".join(key[1] for key in accidents), flush=True)
    again = junit + ".again"
    tested = {name: value for name, value in os.environ.items() if name != "GILSPY_TESTED"}  # by the first run
    run(folder, again, [node(folder, key) for key in accidents], env=tested)
    second = cases(xml.etree.ElementTree.parse(again))
    os.unlink(again)
    mended = [key for key in accidents if key in second and not failed(second[key])]
    for key in mended:
        print("FAILED and then passed: %s" % node(folder, key))
        for case in first[key]:
            for child in [each for each in case if each.tag in ("failure", "error")]:
                case.remove(child)
    for suite in tree.getroot().iter("testsuite"):
        for kind in ("failure", "error"):
            suite.set(kind + "s", str(sum(1 for case in suite.iter("testcase") if case.find(kind) is not None)))
    tree.write(junit)
    return len(mended) == len(accidents)


def main(folder, junit, *arguments):
    status = run(folder, junit, arguments)
    return 0 if status == 1 and once_more(folder, junit) else status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
