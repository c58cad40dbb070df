"""The figures of event loops: of one that stands still, one that waits, and one that counts its callbacks."""
import json

import gilspy
from target import running, until
from test_tasks import wanted  # noqa: F401


def loops_of(target, *words):
    done = gilspy.run("stat", "-q", "-j", "-d", "500ms", "-p", target.pid, *words)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    names = {thread["tid"]: thread["name"] for thread in document["threads"]}
    return {names[loop["tid"]]: loop for loop in document["loops"]}


def test_loops(python, folders):
    with running(python, folders, "tasks.py", "kept", "still", "churn", pipes=["park"]) as target:
        target.wait_reading(target.began["tids"]["kept"], "park")
        loops = {}

        def looked():
            """Once without a gap long enough for the loop to do anything unseen."""
            loops.update(loops_of(target))
            return loops["kept"]["longest_callback"]

        until(looked, "the callback's stack")
        assert set(loops) == {"kept", "still", "churn"}
        for loop in loops.values():
            assert set(loop) == {"tid", "kind", "busy", "callbacks_per_second", "longest_callback_us",
                                 "longest_callback", "tasks", "ready"} and loop["kind"] == "asyncio"
        # One callback runs all the time; who waits for its end is counted.
        kept = loops["kept"]
        assert (kept["busy"], kept["callbacks_per_second"], kept["ready"], kept["tasks"]) == (1, 0, 3, 4)
        assert kept["longest_callback"]["function"].endswith("wait")
        assert kept["longest_callback"]["file"].endswith("common.py") and kept["longest_callback_us"] > 0
        # Nothing happens.
        still = loops["still"]
        assert (still["busy"], still["callbacks_per_second"], still["ready"], still["tasks"] > 20) == (0, 0, 0, True)
        assert (still["longest_callback"], still["longest_callback_us"]) == (None, 0)
        assert loops["churn"]["callbacks_per_second"] > 0 and loops["churn"]["busy"] > 0
        assert not loops_of(target, "--tasks=off")
