"""The command line is tested with the Python of this machine alone."""
import pytest

import pythons
from target import Folders, running


@pytest.fixture(scope="session")
def system_python():
    return pythons.Python("/usr/bin/python3", "", "system")


@pytest.fixture(scope="session")
def folders():
    made = Folders()
    yield made
    made.remove()


@pytest.fixture
def target(system_python, folders):
    """A Python that is idle."""
    with running(system_python, folders, "states.py", "idle", pipes=["begin"]) as target:
        target.wait_idle()
        yield target


@pytest.fixture
def spinning(system_python, folders):
    """A Python one of whose threads computes."""
    with running(system_python, folders, "states.py", "spin", pipes=["begin"]) as target:
        target.wait_idle()
        yield target
