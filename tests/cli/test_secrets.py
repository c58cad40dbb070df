"""What looks secret is not shown where nobody asked for it."""
import json

import gilspy
import recording
from target import running
from test_errors import check_failure


def test_command_lines(system_python, folders, tmp_path):
    """Of those that gilspy shows, and of those that it writes down, the passwords are left out."""
    words = ["spin", "--password=hunter2", "--api-key", "hunter2", "amqp://me:hunter2@db1/"]
    with running(system_python, folders, "states.py", *words, pipes=["begin"]) as target:
        target.wait_idle()
        shown = [gilspy.run(*command, "-p", target.pid).stdout
                 for command in (["ps"], ["ps", "-j"], ["dump"], ["dump", "-j"], ["doctor"], ["why", "-j", "-d", "100ms"])]
        recording.record(target.pid, tmp_path / "a.gilspy", "-d", "100ms", "-r", 100)
        for form in ("svg", "html", "jsonl", "chrome"):
            shown.append(gilspy.run("report", tmp_path / "a.gilspy", "-f", form, "-o", "-").stdout)
        command = json.loads(shown[1])["processes"][0]["command"]
    assert command[-4:] == ["--password=<hidden>", "--api-key", "<hidden>", "amqp://me:<hidden>@db1/"]
    assert not [text for text in shown if "hunter2" in text or not text]


def test_nothing_to_show(target):
    check_failure(gilspy.run("dump", "--show-secrets", "-p", target.pid), 2, "--show-secrets is about values", "-l")
