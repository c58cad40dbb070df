"""What top prints of one who keeps the GIL, one who waits and others who sleep, over Pythons of every layout."""
import re

import gilspy
from target import running

KINDS = {"2.7", "3.6", "3.8", "3.11", "3.12", "3.13t", "3.15"}


def wanted(python):
    return python.kind in KINDS and python.has_gil


def test_once(python, folders):
    with running(python, folders, "gil.py",
                 pipes=["hold", "gate", "turn-0", "turn-1", "turn-2", "compute", "once"]) as target:
        target.wait_idle()
        target.feed("hold")
        target.wait_reading(target.began["tids"]["holder"], "gate")
        target.feed("turn-0")
        target.wait_calling(target.began["tids"]["victim-0"], 202)
        done = gilspy.run("top", "--once", "-d", "300ms", "-p", target.pid, env={"LC_ALL": "C.UTF-8"})
        tids = target.began["tids"]
    assert (done.returncode, done.stderr) == (0, "")
    assert "Python %s" % python.version.rstrip("+") in done.stdout and "8 threads" in done.stdout
    assert "100 % held" in done.stdout and "● holder (%d)" % tids["holder"] in done.stdout
    assert re.search(r"^● 100\.0   0\.0   0\.0 .* %d holder +wait_holding +\S*common\.py:\d+$" % tids["holder"],
                     done.stdout, re.M)
    assert re.search(r"^◌   0\.0 100\.0   0\.0 .* %d victim-0 " % tids["victim-0"], done.stdout, re.M)
    assert re.search(r"^·   0\.0   0\.0 100\.0 .* %d locked " % tids["locked"], done.stdout, re.M)
