"""What holds for the tests of all folders."""
import signal

import pytest


def pytest_configure():
    """A job in the background ignores SIGINT and SIGQUIT, one of nohup SIGHUP, and so does what it starts: the tests end
    programs by them."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGQUIT: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    for number, handler in usual.items():
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.hookimpl(tryfirst=True)  # before the workers read the groups
def pytest_collection_modifyitems(items):
    """Workers share the tests: what shares a target stays together, and so does what changes the machine."""
    for item in items:
        label = hasattr(item, "callspec") and getattr(item.callspec.params.get("python"), "label", None)
        if "kernel_cores" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("cores"))
        elif label:
            item.add_marker(pytest.mark.xdist_group("%s %s" % (item.path.name, label)))
