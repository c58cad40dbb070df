# -*- coding: utf-8 -*-
"""Places where a thread can stand: each function stops in park() with another shape of stack below it."""
import contextlib
import functools
import os
import re

import common

PARK = common.FDS["park"]
PLACES = {}


def park(*ignored):
    os.read(PARK, 1)
    return 0


def place(function):
    PLACES[function.__name__] = function
    return function


@place
def plain():
    park()


@place
def builtin_is_innermost():
    os.read(PARK, 1)


@place
def nested():
    def outer():
        def inner():
            park()
        inner()
    outer()


class Shape(object):
    class Corner(object):
        def of_inner_class(self):
            park()

    def __init__(self, turn=-1):
        if turn == 199:
            park()

    def method(self):
        self.Corner().of_inner_class()

    @staticmethod
    def static():
        park()

    @classmethod
    def of_class(cls):
        cls.static()

    @property
    def area(self):
        return park()

    def __call__(self):
        return self.area

    def __getitem__(self, key):
        return park() if key == 199 else key

    def __add__(self, other):
        return park()

    def __iter__(self):
        return self

    def __next__(self):
        self.turn = getattr(self, "turn", 0) + 1
        return park() if self.turn == 200 else self.turn

    next = __next__

    def __enter__(self):
        park()

    def __exit__(self, *what):
        park()

    def __eq__(self, other):
        return park()

    def __hash__(self):
        return 1

    def __del__(self):
        if hasattr(self, "last_words"):
            park()


class Attributes(object):
    def __getattr__(self, name):
        return park() if name == "last" else name


class AllAttributes(object):
    def __getattribute__(self, name):
        return park() if name == "last" else name


class Meta(type):
    def __call__(cls, *args):
        return type.__call__(cls, *args)


Made = Meta("Made", (Shape,), {})


@place
def method():
    Shape().method()


@place
def class_method():
    Shape.of_class()


@place
def called_property():
    Shape()()


@place
def init_in_a_loop():
    for turn in range(200):
        Shape(turn)


@place
def init_of_metaclass():
    Made(199)


@place
def getitem_in_a_loop():
    shape = Shape()
    for turn in range(200):
        shape[turn]


@place
def getattr_in_a_loop():
    attributes = Attributes()
    for turn in range(200):
        attributes.other
    attributes.last


@place
def getattribute_in_a_loop():
    for turn in range(200):
        name = AllAttributes().other if turn < 199 else AllAttributes().last


@place
def operator():
    Shape() + 1


@place
def iterator():
    for turn in Shape():
        pass


@place
def comparison_in_a_dict():
    {Shape(): 1}[Shape()]


@place
def finalizer():
    shape = Shape()
    shape.last_words = True
    del shape


@place
def class_body():
    class Body(object):
        kept = park()


@place
def lambda_expression():
    (lambda: park())()


@place
def list_comprehension():
    [park() for one in range(3)]


@place
def set_comprehension():
    {park() for one in range(3)}


@place
def nested_comprehension():
    [[park() for inner in range(3)] for outer in range(3)]


@place
def generator_expression():
    sum(park() for one in range(3))


def numbers():
    for number in range(1000):
        if number == 300:
            park()
        yield number


@place
def generator():
    next(number for number in numbers() if number > 500)


@place
def generator_in_a_loop():
    for number in numbers():
        pass


@place
def generator_by_send():
    def echo():
        got = yield
        while got < 3:
            got = yield got
        park()
        yield
    running = echo()
    next(running)
    for number in range(4):
        running.send(number)


@place
def generator_closed():
    def patient():
        try:
            yield
        finally:
            park()
    waiting = patient()
    next(waiting)
    waiting.close()


@contextlib.contextmanager
def context():
    park()
    yield


@place
def context_manager():
    with context():
        pass


@place
def with_enter():
    with Shape():
        pass


class OnlyExit(object):
    def __enter__(self):
        pass

    def __exit__(self, *what):
        park()


@place
def with_exit():
    with OnlyExit():
        value = 1
        value += 1


def decorated_by(name):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **options):
            return function(*args, **options)
        return wrapper
    return decorate


@place
@decorated_by("name")
@decorated_by("another")
def decorated():
    park()


@place
def partial():
    functools.partial(park, 1)()


@place
def in_try():
    try:
        park()
    except ValueError:
        pass


@place
def in_except():
    try:
        raise ValueError
    except ValueError:
        park()


@place
def in_else():
    try:
        pass
    except ValueError:
        pass
    else:
        park()


@place
def in_finally():
    try:
        value = 1
    finally:
        park()


@place
def in_finally_after_error():
    try:
        try:
            raise ValueError
        finally:
            park()
    except ValueError:
        pass


@place
def in_condition():
    value = 1
    if (value and
            park()):
        value = 2


@place
def many_lines():
    dict(
        first=1,
        second=park(
            1,
            2,
        ),
        third=3,
    )


@place
def chain():
    ("text"
     .upper()
     .replace("T",
              str(park()))
     .lower())


@place
def loops_back():
    turn = 0
    while turn < 5:
        turn += 1
        if turn < 5:
            continue
        park()


@place
def star_arguments():
    def take(*args, **options):
        park()
    take(*[1, 2], **{"three": 3})


@place
def closure():
    value = []

    def inner():
        value.append(park())
    inner()


@place
def default_argument():
    def inner(value=park()):
        pass


@place
def sort_key():
    sorted([3, 1, 2], key=lambda number: park())


@place
def reduced():
    functools.reduce(lambda a, b: park(), [1, 2, 3])


@place
def mapped():
    list(map(park, [1, 2]))


@place
def substituted():
    re.sub("a", lambda match: str(park()), "banana")


def down(depth):
    if depth == 0:
        park()
    else:
        down(depth - 1)


@place
def recursion():
    down(200)


def ping(depth):
    return pong(depth - 1) if depth else park()


def pong(depth):
    return [ping(number) for number in [depth - 1]][0] if depth else park()


@place
def mutual_recursion():
    ping(60)


@place
def deeper_than_one_chunk():
    """The data stack of 3.11 on grows chunk by chunk."""
    def wide(depth):
        a = b = c = d = e = f = g = h = depth
        if depth == 0:
            return park()
        return wide(depth - 1) + a + b + c + d + e + f + g + h
    wide(400)


def run(source, name, **names):
    names.update(park=park)
    exec(compile(source, name, "exec"), names)


@place
def compiled():
    run("\n\ndef inside():\n    park()\ninside()\n", "<made up>")


@place
def evaluated():
    eval("[park()\n\n][0]", {"park": park})


@place
def non_ascii_file():
    run("park()\n", u"/tmp/gr\u00f6\u00dfe \u65e5\u672c.py" if str is not bytes else "/tmp/gr\xc3\xb6\xc3\x9fe.py")


@place
def long_function():
    """More bytecode than one byte can count, more constants and names than that, and lines that jump far."""
    lines = ["def long():", "    total = 0"]
    lines += ["    name%d = total = total + %d" % (number, 1000 + number) for number in range(600)]
    lines += [""] * 300 + ["    if total:", "        total = max(", "            total,"]
    lines += [""] * 1000 + ["            park(),", "        )"] + [""] * 70000 + ["    return park()"]
    run("\n".join(lines) + "\nlong()\n", "<long>")


@place
def far_down():
    run("\n" * 70000 + "def late():\n" + "\n" * 200 + "    park()\nlate()\n", "<far down>")


@place
def one_line():
    run("def one(): a = 1; b = 2; park()\none()", "<one line>")


@place
def callback_from_c():
    import ctypes
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda a, b: park())
    common.libc.qsort(ctypes.create_string_buffer(b"ba"), 2, 1, callback)


@place
def importing():
    import parked_module
