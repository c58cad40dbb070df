"""The package in each Python from 3.8 on, imported by nobody but that Python."""
import os
import subprocess

import pytest

import pythons
from conftest import HERE

USE = os.path.join(HERE, "use.py")


def fitting():
    found, broken, _ = pythons.discover()
    assert not broken
    return [pytest.param(python, id=python.label) for python in found if python.at_least >= (3, 8)]


@pytest.mark.slow
@pytest.mark.parametrize("python", fitting())
def test_each(python):
    if python.root:
        pytest.skip("of a chroot, in which this package is not")
    done = subprocess.run(python.command(USE), env={**os.environ, **python.env}, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "all of it works\n"


