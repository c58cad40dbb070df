"""A core says what the process said that left it."""
import os
import re

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


def stacks(document):
    """The functions of each thread, those of C with their modules; without names they may stand on a call or behind it."""
    return {name: [(re.sub(r"\+0x.*", "", frame["function"]), frame["module"]) for frame in thread["frames"]]
            for name, thread in gilspy.threads_by_name(document).items()}


@pytest.mark.usefixtures("kernel_cores")
def test_kernel(python, folders):
    with standing(python, folders) as target:
        live, whole = gilspy.dump(target.pid), gilspy.dump(target.pid, "-n")
        core = leave_by_kernel(target)
        document = dump(core, *where(python))
        assert python.root or stacks(dump(core, "-n")) == stacks(whole)  # whose libraries have names in this root
        check_truth(python, target, document)
        assert told(document) == told(live)
        program = os.path.realpath(python.path)
        assert document["process"]["exe"] == (python.inside(program) if python.root else program)
