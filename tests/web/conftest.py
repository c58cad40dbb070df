"""Pictures of made-up programs, looked at with a real browser."""
import os
import subprocess

import pytest

from made import BUILD


@pytest.fixture
def draw(tmp_path):
    """draw("app", "svg", "wall", "threads") is the path of the file."""
    def run(play, form, mode="wall", *flags):
        path = str(tmp_path / ("%s-%s.%s" % (play.replace(":", "-"), mode, form)))
        subprocess.run([os.path.join(BUILD, "tests", "draw"), play, form, mode, path, *flags], check=True, timeout=120)
        return path
    return run


@pytest.fixture(scope="session")
def screenshots():
    folder = os.path.join(BUILD, "screenshots")
    os.makedirs(folder, exist_ok=True)
    return folder
