"""What doc/python.md shows is run as it stands."""
import os
import re
import subprocess
import sys

import pytest

from conftest import SOURCE

with open(os.path.join(SOURCE, "doc", "python.md")) as file:
    BLOCKS = re.findall(r"^```python ?(\S*)\n(.*?)^```", file.read(), re.M | re.S)


@pytest.mark.parametrize("name, block", BLOCKS, ids=[str(i) for i in range(len(BLOCKS))])
def test_recipe(name, block, tmp_path):
    path = tmp_path / (name or "recipe.py")
    path.write_text(block)
    words = ["-m", "pytest", "-p", "gilspy._pytest", "-p", "no:cacheprovider", str(path)] if name else ["-W", "error", str(path)]
    done = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_some():
    assert len(BLOCKS) >= 5
