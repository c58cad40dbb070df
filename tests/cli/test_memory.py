"""Memory that runs out: at each allocation in turn, the result is whole, or it is told that it is not."""
import json
import os
import re
import subprocess

import pytest

import gilspy
from test_install import is_sanitized

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support", "short_memory.c")
COMMANDS = [["dump"], ["dump", "-l", "--json"], ["top", "--once", "-d", "50ms"]]


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    library = tmp_path_factory.mktemp("short") / "short_memory.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", SOURCE, "-o", library], check=True)
    return str(library)


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(one) for key, one in value.items() if key not in ("time", "quality")}
    return [without_times(one) for one in value] if isinstance(value, list) else value


def shown(text):
    """What does not change from one look to the next."""
    return without_times(json.loads(text)) if text.startswith("{") else re.sub(r"[\d.:]+( ?(ms|us|s)\b)?", "#", text)


@pytest.mark.skipif(is_sanitized(), reason="a sanitizer has its own malloc")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.slow
def test_nothing_is_left_out_silently(target, short, tmp_path, words):
    def run(**more):
        return gilspy.run(*words, "-p", target.pid, env={**os.environ, "LC_ALL": "C", "LD_PRELOAD": short, **more})

    whole = run(FAIL_COUNT=str(tmp_path / "count"))
    assert (whole.returncode, whole.stderr) == (0, "")
    count = int((tmp_path / "count").read_text())
    failed = 0
    for number in range(0, count, max(1, count // 150)):
        done = run(FAIL_AT=str(number))
        if done.returncode == 0:
            assert shown(done.stdout) == shown(whole.stdout)
            continue
        failed += 1
        assert done.returncode == 1 and re.search("out of memory|Cannot allocate memory", done.stderr)
    assert failed > 20
