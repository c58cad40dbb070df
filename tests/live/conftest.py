"""Each live test runs with Pythons of every generation, one marked every_python with every Python of this machine; what is
not installed is skipped by name."""
import os
import shutil
import tempfile

import pytest

import gilspy
import pythons
from target import Folders
from tracing import need_watch

TESTED = set()  # labels of the interpreters for which a test passed


def pytest_generate_tests(metafunc):
    if "python" not in metafunc.fixturenames:
        return
    found, broken, missing = pythons.discover()
    wanted = getattr(metafunc.module, "wanted", lambda python: True)  # a module may be about some Pythons only
    narrower = [marker.kwargs["fits"] for marker in metafunc.definition.iter_markers("pythons")]
    if "with_gil" in metafunc.fixturenames:
        narrower.append(lambda python: python.has_gil)
    each = metafunc.definition.get_closest_marker("every_python") is not None
    chosen = pythons.spread([python for python in found if wanted(python) and all(fits(python) for fits in narrower)],
                            metafunc.definition.nodeid, each)
    rows = [pytest.param(python, id=python.label) for python in chosen]
    rows += [pytest.param(path, id=path.replace("/", "_"), marks=pytest.mark.broken(why))
             for path, why in broken.items()]
    rows += [pytest.param(None, id=kind, marks=pytest.mark.skip("Python %s is not installed" % kind))
             for kind in missing]
    metafunc.parametrize("python", rows, scope="session")


@pytest.fixture(autouse=True)
def whole(request):
    """An interpreter that is there but does not start is a failure, not a Python less."""
    broken = request.node.get_closest_marker("broken")
    if broken:
        pytest.fail("it is there, but does not run: %s" % broken.args[0])


@pytest.fixture
def with_gil():
    """For tests of who holds it and who waits: they run with Pythons that have one."""


@pytest.fixture(scope="module")
def watchable():
    """For tests of what watches addresses."""
    need_watch()


@pytest.fixture
def root():
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("takes root and setpriv to become another user")


@pytest.fixture(scope="session")
def folders():
    made = Folders()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def program():
    """gilspy where every user may run it."""
    folder = tempfile.mkdtemp(prefix="gilspy-test-")
    os.chmod(folder, 0o755)
    yield shutil.copy(gilspy.PROGRAM, folder)
    shutil.rmtree(folder)


def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed and "[" in report.nodeid:
        TESTED.add(report.nodeid.rsplit("[", 1)[1].rsplit("]", 1)[0])


def pytest_terminal_summary(terminalreporter):
    found, broken, missing = pythons.discover()
    tested = [python.label for python in found if python.label in TESTED]
    if not tested:
        return
    terminalreporter.section("Pythons")
    terminalreporter.line("%d Pythons tested: %s" % (len(tested), ", ".join(tested)))
    if broken:
        terminalreporter.line("%d Pythons do not run: %s" % (len(broken), ", ".join(broken)))
    if missing:
        terminalreporter.line("%d Pythons not installed: %s" % (len(missing), ", ".join(missing)))
    if os.environ.get("GILSPY_TESTED"):
        with open(os.environ["GILSPY_TESTED"], "w") as file:
            file.writelines(label + "\n" for label in tested)
