"""gilspy.KnockKnock is gilknocker's."""
import asyncio
import inspect
import os
import subprocess
import sys

import pytest

import gilspy
from work import Spinning, children, count

OTHER = os.environ.get("GILSPY_PYTHONS", "/var/cache/gilspy/pythons") + "/wheel/bin/python"


def test_busy_and_free():
    knocker = gilspy.KnockKnock(polling_interval_micros=1000, sampling_interval_micros=10000, sleeping_interval_micros=0)
    knocker.start()
    assert knocker.is_running
    with Spinning(2):
        count(3_000_000)
    busy = knocker.contention_metric
    assert busy > 0.8
    knocker.reset_contention_metric()
    subprocess.run([sys.executable, "-c", ""], check=True)  # we sleep meanwhile
    assert knocker.contention_metric < 0.5
    knocker.stop()
    stays = knocker.contention_metric
    assert not knocker.is_running and knocker.contention_metric == stays < 0.5


def test_tasks_are_not_asked_for():
    """To find them takes seconds in a process as large as dask's."""
    async def main():
        knocker = gilspy.KnockKnock()
        knocker.start()
        loops = knocker._child.ask()["loops"]
        knocker.stop()
        return loops

    assert asyncio.run(main()) == []


def test_what_it_says_at_each_time():
    knocker = gilspy.KnockKnock()
    assert (knocker.is_running, knocker.contention_metric) == (False, 0.0)
    assert knocker.stop() is None and knocker.reset_contention_metric() is None
    assert knocker.start() is None and knocker.start() is None and len(children()) == 1
    assert knocker.stop() is None and knocker.stop() is None
    knocker.start()
    knocker.reset_contention_metric()
    knocker.stop()
    with pytest.raises(AttributeError):
        knocker.contention_metric = 1


@pytest.mark.parametrize("arguments, error", [((-1,), OverflowError), ((1.5,), TypeError), (("x",), TypeError)])
def test_wrong_arguments(arguments, error):
    with pytest.raises(error):
        gilspy.KnockKnock(*arguments)


@pytest.mark.parametrize("arguments, rate_hz", [((), 1000 / 11), ((1,), 1000), ((0,), 1000), ((10 ** 7,), 10),
                                                ((1000, 10000, 0), 1000), ((1000, 0, 0), 1000), ((1000, 10000, 90000), 100)])
def test_how_often_it_looks(arguments, rate_hz):
    assert gilspy.KnockKnock(*arguments)._rate_hz == pytest.approx(rate_hz)


def test_names_are_those_of_gilknocker():
    if not os.path.exists(OTHER):
        pytest.skip("gilknocker is not there: script/setup --wheel")
    script = "from gilknocker import KnockKnock as K; print(K.__text_signature__, *(n for n in dir(K) if n[0] != '_'))"
    theirs = subprocess.run([OTHER, "-c", script], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    parameters = inspect.signature(gilspy.KnockKnock).parameters.values()
    signature = "(%s)" % ", ".join("%s=%s" % (parameter.name, parameter.default) for parameter in parameters)
    assert theirs == " ".join([signature, *(name for name in dir(gilspy.KnockKnock) if name[0] != "_")])
