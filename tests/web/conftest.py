"""Pictures of made-up programs, looked at with a real browser."""
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))


@pytest.fixture
def draw(tmp_path):
    """draw("app", "svg", "wall", "threads") is the path of the file."""
    def run(play, form, mode="wall", *flags):
        path = str(tmp_path / ("%s-%s.%s" % (play, mode, form)))
        subprocess.run([os.path.join(BUILD, "tests", "draw"), play, form, mode, path, *flags], check=True, timeout=120)
        return path
    return run


def folded(path):
    """A folded file as a list of ([frame...], microseconds)."""
    with open(path, encoding="utf-8", newline="\n") as file:
        lines = [line.rpartition(" ") for line in file.read().splitlines()]
    return [(stack.split(";"), int(time)) for stack, _, time in lines]


@pytest.fixture(scope="session")
def screenshots():
    folder = os.path.join(BUILD, "screenshots")
    os.makedirs(folder, exist_ok=True)
    return folder
