"""What `why` says of services, pools and libraries as they are, of which it was wrong once."""
import json
import os

import gilspy
from target import until

SCENES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenes")
HEALTHY = {"busy", "idle"}
ATTEMPTS = 4  # for what depends on who gets a processor when


def begin(real, scene, *words):
    """The process of a scene that has come to where it says so, and what it printed."""
    with open(os.path.join(SCENES, scene + ".py")) as file:
        return real.run(file.read(), *words, stdin=-1)


def asleep(pid, count=1):
    """Until all its threads, so many at least, sleep in the same places in two looks."""
    def look():
        threads = gilspy.dump(pid)["threads"]
        return [(thread["tid"], thread["frames"]) for thread in threads if thread["syscall"]], len(threads)

    def settled():
        one, other = look(), look()
        return one == other and len(one[0]) == one[1] >= count
    until(settled, "all threads to sleep")


def ask(pid, *words):
    done = gilspy.run("why", "--json", *words, "-p", pid)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def first(pid, *words):
    """The first verdict, and all it says."""
    verdict = ask(pid, *words)["verdicts"][0]
    return verdict, " ".join([verdict["text"], *verdict["evidence"], verdict["advice"] or ""])


def first_of(pid, kind):
    """The same where one look of several must tell."""
    for attempt in range(ATTEMPTS):
        verdict, words = first(pid)
        if verdict["kind"] == kind:
            break
    assert verdict["kind"] == kind, words
    return verdict, words


def test_shutdown(real):
    process, _ = begin(real, "shutdown")
    asleep(process.pid, 2)
    verdict, words = first(process.pid)
    assert verdict["kind"] == "idle" and "has come to the end of the program" in words


def test_lock_that_goes_round(real):
    process, _ = begin(real, "logging_turns")
    for attempt in range(ATTEMPTS):
        assert "lock_wait" not in {verdict["kind"] for verdict in ask(process.pid)["verdicts"]}
    first_of(process.pid, "lock_contended")
