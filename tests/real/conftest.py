"""Software that others wrote, of PyPI: script/setup --real installs it."""
import os
import subprocess

import pytest

import gilspy
from target import until

ENVIRONMENT = os.path.join(os.environ.get("GILSPY_PYTHONS", "/var/cache/gilspy/pythons"), "real")


class Real:
    """The environment; programs that run in it end with the test."""

    def __init__(self, folder):
        self.folder = folder
        self.python = os.path.join(ENVIRONMENT, "bin", "python")
        self.running = []

    def path(self, program):
        return os.path.join(ENVIRONMENT, "bin", program)

    def run(self, source, *words, **options):
        """Runs a script until it has printed a line, which is returned; its process is the last of `running`."""
        script = self.folder / ("script-%d.py" % len(self.running))
        script.write_text(source)
        process = self.start(self.python, script, *words, stdout=subprocess.PIPE, text=True, **options)
        line = process.stdout.readline()
        assert line, "it ended: status %s" % process.poll()
        return process, line.strip()

    def start(self, *words, **options):
        process = subprocess.Popen([str(word) for word in words], cwd=self.folder, start_new_session=True, **options)
        self.running.append(process)
        return process

    def end(self):
        for process in self.running:
            try:
                os.killpg(process.pid, 9)
            except ProcessLookupError:
                pass
            process.wait()
            if process.stdout:
                process.stdout.close()


@pytest.fixture
def real(tmp_path):
    if not os.path.exists(os.path.join(ENVIRONMENT, "complete")):
        pytest.skip("software of PyPI: script/setup --real installs it")
    environment = Real(tmp_path)
    yield environment
    environment.end()


@pytest.fixture
def seen():
    """seen(pid, condition): the first dump that it holds of."""
    def look(pid, condition, *words):
        found = []

        def looks():
            document = gilspy.dump(pid, *words)
            found[:] = [document]
            return condition(document)
        until(looks, "what should be seen")
        return found[0]
    return look
