"""A thread asleep in functions of Cython. ARGS: the folder of the extension."""
import sys

import common

sys.path.insert(0, common.ARGS[0])
import bakery  # noqa: E402


def run_it():
    bakery.order(common.FDS["sleep"])


common.start("baker", run_it)
common.serve()
