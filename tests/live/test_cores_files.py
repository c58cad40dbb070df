"""Cores in which files are or are not, and files that have changed since."""
import os
import shutil
import subprocess

import pytest

import cores
import gilspy
from cores import dump, kernel_cores, leave_by_kernel, standing, told, where  # noqa: F401


def wanted(python):
    return python.kind in ("2.7", "3.6", "3.11", "3.13", "3.15")


@pytest.mark.usefixtures("kernel_cores")
@pytest.mark.parametrize("keep", [cores.ALL, cores.NO_FILES])
def test_kept_otherwise(python, folders, keep):
    """With the pages of files in it, and without even the first page of each."""
    with standing(python, folders) as target:
        live = gilspy.dump(target.pid)
        core = leave_by_kernel(target, keep=keep)
        assert told(dump(core, *where(python))) == told(live)


def copy_library(python, folders):
    folder = os.path.join(folders.of(python), "library")
    os.makedirs(folder, exist_ok=True)
    return shutil.copy(os.path.realpath(python.library), folder)


def change_build_id(path):
    """Makes another build of it, as far as can be seen."""
    section = subprocess.run(["readelf", "-SW", path], stdout=subprocess.PIPE, check=True, text=True).stdout
    row = next(line for line in section.splitlines() if " .note.gnu.build-id " in line)
    offset = int(row.split(" NOTE ")[1].split()[1], 16)
    with open(path, "r+b") as file:
        file.seek(offset + 20)
        byte = file.read(1)
        file.seek(offset + 20)
        file.write(bytes([byte[0] ^ 1]))


@pytest.mark.usefixtures("kernel_cores")
def test_library_changed(python, folders):
    """A libpython that is another one by now, or gone, is not read."""
    if not python.library:
        pytest.skip("its interpreter is in no library")
    library = copy_library(python, folders)
    try:
        with standing(python, folders, env={"LD_LIBRARY_PATH": os.path.dirname(library)}) as target:
            live = gilspy.dump(target.pid)
            core = leave_by_kernel(target)
            assert told(dump(core)) == told(live)
            for change, why in ((change_build_id, "%s is not the one that it ran: build id differs" % library),
                                (os.unlink, "%s is missing" % library)):
                change(library)
                done = gilspy.run("dump", "-c", core)
                assert done.returncode in (0, 5)  # it may be found without
                assert "part of the memory is not in " in (done.stdout + done.stderr).lower()
                assert why in done.stdout + done.stderr
            os.mkfifo(library)
            done = gilspy.run("dump", "-c", core)
            assert "%s is no regular file" % library in done.stdout + done.stderr
    finally:
        shutil.rmtree(os.path.dirname(library))
