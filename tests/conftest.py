"""What holds for the tests of all folders."""
import signal


def pytest_configure():
    """A job in the background ignores SIGINT, and so does what it starts: the tests end programs by it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
