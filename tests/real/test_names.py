"""Names of the C functions of libraries as they come from PyPI, changed by patchelf."""
import os
import subprocess

import pytest

SCENES = {
    "numpy": ("import numpy as np\na = np.random.rand(300000)\nprint(flush=True)\nwhile True: np.sort(a)\n",
              "_multiarray_umath"),
    "openblas": ("import numpy as np\nm = np.random.rand(600, 600)\nprint(flush=True)\nwhile True: m @ m\n",
                 "libscipy_openblas"),
    "scipy": ("import numpy as np, scipy.linalg\nm = np.random.rand(300, 300)\nprint(flush=True)\n"
              "while True: scipy.linalg.svd(m)\n", "libscipy_openblas"),
}


def functions_of(path):
    """The names that binutils finds in a file."""
    command = ["readelf", "--wide", "--demangle", "--symbols", path]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = (line.split(maxsplit=7) for line in listed.splitlines())
    return {row[7].split("@")[0] for row in rows if len(row) > 7 and row[3] in ("FUNC", "IFUNC") and row[6] != "UND"}


@pytest.mark.parametrize("scene", SCENES)
def test_functions_have_names(real, seen, scene):
    source, module = SCENES[scene]
    process, _ = real.run(source)

    def frames_of(document):
        return [frame for thread in document["threads"] for frame in thread["frames"]
                if frame["kind"] == "native" and (frame["module"] or "").startswith(module)]
    document = seen(process.pid, frames_of, "-n")
    frames = frames_of(document)
    with open("/proc/%d/maps" % process.pid) as maps:
        paths = {line.split()[-1] for line in maps if os.path.basename(line.split()[-1]) == frames[0]["module"]}
    assert {frame["function"] for frame in frames} <= functions_of(*paths)
