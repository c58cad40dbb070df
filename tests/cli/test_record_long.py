"""Recording for long: neither memory nor descriptors grow, whatever comes and goes in the target."""
import os
import subprocess

import pytest

import gilspy
import recording
from target import running, until

pytestmark = [pytest.mark.long, pytest.mark.skipif(not os.environ.get("GILSPY_TEST_LONG"),
                                                   reason="long: GILSPY_TEST_LONG=1 runs it")]
SECONDS = 20
MB = 1 << 20


class Growth:
    """What a gilspy that records keeps: its memory and its descriptors, at the half and at the end."""
    def __init__(self, pid, path, *words):
        command = [gilspy.PROGRAM, "record", "-q", "-d", str(SECONDS), "-o", path, *words, "-p", str(pid)]
        self.process = subprocess.Popen(command)
        self.part, self.seen = str(path) + ".part", []
        until(lambda: os.path.exists(self.part), "it to record")

    def look(self):
        with open("/proc/%d/statm" % self.process.pid) as file:
            memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        self.seen.append((memory, len(os.listdir("/proc/%d/fd" % self.process.pid))))

    def watch(self):
        while True:
            try:
                self.look()
                assert self.process.wait(0.5) == 0
                break
            except subprocess.TimeoutExpired:
                continue
        self.seen.pop()  # it may have been at its end
        half = self.seen[len(self.seen) // 3:len(self.seen) * 2 // 3]
        end = self.seen[-len(half):]
        return [max(look[part] for look in looks) for part in (0, 1) for looks in (half, end)]


@pytest.mark.parametrize("script, words", [("churn.py", ()), ("split.py", ("make",))], ids=["threads", "code"])
def test_churn(system_python, folders, tmp_path, script, words):
    with running(system_python, folders, script, *words) as target:
        memory, memory_end, files, files_end = Growth(target.pid, tmp_path / "a.gilspy", "-r", "1000").watch()
    print("%s: %.1f MB, %.1f MB at the end; %d, %d descriptors" % (script, memory / MB, memory_end / MB, files, files_end))
    assert memory_end < memory + 2 * MB and memory_end < 20 * MB
    assert files_end <= files + 8  # one per thread


def test_stacks_without_end(system_python, folders, tmp_path):
    """More distinct stacks than are remembered."""
    with running(system_python, folders, "split.py", "wander") as target:
        memory, memory_end, files, files_end = Growth(target.pid, tmp_path / "a.gilspy", "-r", "max").watch()
    print("%.1f MB, %.1f MB at the end" % (memory / MB, memory_end / MB))
    assert memory_end < 40 * MB
    used = os.path.getsize(tmp_path / "a.gilspy")
    done = subprocess.Popen([gilspy.PROGRAM, "report", "-i", tmp_path / "a.gilspy", "-f", "folded", "-o", "-"],
                            stdout=subprocess.PIPE, text=True)
    stacks = recording.read_folded(done.communicate(timeout=100)[0])
    print("%d bytes, %d stacks drawn" % (used, len(stacks)))
    # How many there are is a matter of the machine; each of them is a new one.
    assert sum(stacks.values()) > SECONDS * 1e6 and len(stacks) > 1000
