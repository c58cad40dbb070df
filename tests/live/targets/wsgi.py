"""An application of a WSGI server: requests that sleep, that hold the GIL, that burn."""
import os
import sys

sys.argv = ["", os.environ["GILSPY_FDS"]]
import common  # noqa: E402


def sleep():
    common.wait("sleep")


def hold():
    common.wait_holding("hold")


def burn():
    while True:
        pass


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    name = environ["PATH_INFO"].strip("/")
    common.say(name=name, pid=os.getpid(), tid=common.tid())
    {"sleep": sleep, "hold": hold, "burn": burn, "": int}[name]()
    return [b"done\n"]


common.say(loaded=os.getpid())
