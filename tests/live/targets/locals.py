# -*- coding: utf-8 -*-
"""Functions that stand still with values of many kinds; says the repr of each."""
import collections
import sys

import common

shown = {}


class Empty(object):
    pass


class Point(object):
    kind = "class attribute"

    def __init__(self):
        self.x, self.y = 1, 2


def note(function, names):
    """The truth: what the interpreter shows of the frame that calls."""
    shown[function] = dict((name, repr(value)) for name, value in names.items())


def small_values(argument, default=7, *args, **options):
    none, yes, no = None, True, False
    zero, one, minus, big, huge, negative_huge = 0, 1, -5, 2 ** 40 + 3, 2 ** 100 + 12345, -(2 ** 64)
    edges, more_edges = (2 ** 15 - 1, 2 ** 15, 2 ** 30 - 1, 2 ** 30, 2 ** 60), (2 ** 63, 2 ** 64 - 1, -(2 ** 63))
    half, third, tiny, large, infinite, not_a_number = 0.5, 1 / 3.0, 5e-324, 1e300, float("inf"), float("nan")
    minus_zero, round_float = -0.0, 3.0
    text, empty_text, quoted, double_quoted = "plain", "", "it's", 'say "it\'s"'
    some_bytes, no_bytes, odd_bytes = b"bytes", b"", b"\x00\xff\n'"
    listed, no_list, nested = [1, "two", 3.0], [], [[1], [2, [3]]]
    tupled, one_tuple, no_tuple = (1, 2), (1,), ()
    mapped, no_map = {"key": "value"}, {}
    one_set, one_frozen = {7}, frozenset([8])
    note("small_values", locals())
    common.wait("park")
    return text


def odd_values():
    controls = u"tab\tline\nescape\x1b[31m null\x00"
    umlauts, japanese, emoji = u"Gr\u00f6\u00dfe", u"\u65e5\u672c\u8a9e", u"\U0001f40d"
    lone = u"\ud800"
    long_text, long_list, long_bytes = "x" * 100000, list(range(100000)), b"y" * 100000
    deep = []
    for _ in range(1000):
        deep = [deep]
    cyclic_list = [1]
    cyclic_list.append(cyclic_list)
    cyclic_dict = {}
    cyclic_dict["self"] = cyclic_dict
    instance, empty_instance = Point(), Empty()
    a_class, a_function, a_builtin, a_module = Point, note, len, sys
    ordered = collections.OrderedDict([("a", 1)])
    counter = collections.Counter("aab")
    default = collections.defaultdict(list)
    generator = (one for one in [1])
    complex_number = 1 + 2j
    monstrous = 7 ** 5000
    deleted_later = 1
    del deleted_later
    common.wait("park")


def secret_values(password, author):
    apiKey, token_count, passwords_checked = "hunter2", 5, 6
    config = {"db": {"password": "hunter2", "host": "db1"}, "tokenize": 1}
    headers = [(b"authorization", b"hunter2"), (b"host", b"db1")]
    options = {u"Set-Cookie": u"hunter2", b"x-api-key": b"hunter2"}

    def inner():
        return apiKey
    common.wait("park")
    return inner, token_count, passwords_checked, config, headers, options


def cells(argument):
    shared = "shared"
    own = 11

    def inner():
        mine = shared + str(argument)
        note("inner", dict(mine=mine, shared=shared, argument=argument))
        common.wait("park")
        return mine
    return inner() + str(own)


common.start("small", small_values, "given", 8, 9, 10, extra="more")
common.start("odd", odd_values)
common.start("cells", cells, 5)
common.start("secret", secret_values, password="hunter2", author="somebody")
common.serve(shown=lambda: shown)
