"""The Python package is tested with the program of $BUILD, in this Python and, where it says so, in every other one."""
import gc
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
PACKAGE = os.path.join(SOURCE, "python")
sys.path += [os.path.join(SOURCE, "tests", folder) for folder in ("live", "web")]  # pythons.py, browser.py; the gilspy there is not ours
os.environ["GILSPY_PROGRAM"] = os.path.join(SOURCE, os.environ.get("BUILD", "build"), "gilspy")
os.environ["PYTHONPATH"] = PACKAGE

pytest_plugins = ["pytester"]


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("long") and not os.environ.get("GILSPY_TEST_LONG"):
            item.add_marker(pytest.mark.skip("takes longer than a test may: GILSPY_TEST_LONG=1"))


@pytest.fixture(autouse=True)
def nothing_left():
    """No test leaves a child, a thread or a descriptor behind."""
    from work import own

    before = own()
    yield
    gc.collect()  # results have files, which go with them
    assert own() == before
