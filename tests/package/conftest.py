"""The program as it is given away. .ci/run runs these; they take root, and what script/setup --package installs."""
import os

import pytest

import pythons
from target import Folders, running


@pytest.fixture(scope="session", autouse=True)
def root():
    if os.geteuid() != 0:
        pytest.skip("chroot needs root")


@pytest.fixture(scope="session")
def folders():
    made = Folders()
    yield made
    made.remove()


@pytest.fixture
def target(folders):
    """A Python of this machine that is idle."""
    with running(pythons.Python("/usr/bin/python3", "", "system"), folders, "states.py", "idle", pipes=["begin"]) as target:
        target.wait_idle()
        yield target
