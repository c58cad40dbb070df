"""Where made-up programs are drawn, and what folded says of them."""
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))


def folded(path):
    """A folded file as a list of ([frame...], microseconds)."""
    with open(path, encoding="utf-8", newline="\n") as file:
        lines = [line.rpartition(" ") for line in file.read().splitlines()]
    return [(stack.split(";"), int(time)) for stack, _, time in lines]
