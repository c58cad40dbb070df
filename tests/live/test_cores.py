"""A core says what the process said that left it."""
import os

import pytest

import cores
import gilspy
from cores import check_truth, dump, kernel_cores, leave_by_gcore, leave_by_kernel, standing, told, where  # noqa: F401


def test_gcore(python, folders):
    """One process: as it runs, and its cores without and with the pages of files."""
    with standing(python, folders) as target:
        live = gilspy.dump(target.pid)
        check_truth(python, target, live)
        for keep in (cores.DEFAULT, cores.ALL):
            core = leave_by_gcore(target, keep)
            assert told(dump(core)) == told(live)
            os.unlink(core)


@pytest.mark.usefixtures("kernel_cores")
def test_kernel(python, folders):
    with standing(python, folders) as target:
        live = gilspy.dump(target.pid)
        document = dump(leave_by_kernel(target), *where(python))
        check_truth(python, target, document)
        assert told(document) == told(live)
        program = os.path.realpath(python.path)
        assert document["process"]["exe"] == (python.inside(program) if python.root else program)
