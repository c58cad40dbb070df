"""Names and values that are meant to fool whoever looks at them. For Python 3.8 on."""
import _thread

import common

# What they would do to a terminal that obeyed, or to a reader.
NAMES = {
    "color": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;title\x07",
    "link": "\x1b]8;;http://example.com\x1b\\here\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;ZWNobyBo\x07",
    "c1": "\x9b31m\x9d0;title\x9c\x90q\x85",
    "lines": "first\nsecond\r\nthird\x0b\x0c\u2028\u2029",
    "tab": "a\tb\x08\x08\x7f\x00end",
    "bidi": "a\u202eb\u202d\u202a\u202b\u202c\u2066\u2067\u2068\u2069\u200e\u200f\u061cz",
    "invisible": "a\u200bb\u200c\u200d\ufeff\u00adz",
    "combining": "e\u0301" + "\u0300" * 50,
    "latin": "gr\u00f6\u00dfe",
    "accent": "caf\u00e9",
    "markup": "<script>alert(1)</script>&amp;\"'`$(id)\\",
    "long": "x" * 10000,
    "surrogate": "a\ud800b\udcffc\udbff\udfffz",
    "private": "\ue000\U000f0000\U0010ffff\ufffe",
    "wide": "\U0001f40d\u6f22\u5b57\U0001f468\u200d\U0001f469\u200d\U0001f467" * 20,
}


class Odd:
    pass


def wait(text):
    """A function whose code is renamed below."""
    number, raw, pair, table = len(text), text.encode("utf-8", "surrogatepass"), (text, [text]), {text: text}
    odd = Odd()
    common.wait("gate")
    return number, raw, pair, table, odd


def renamed(text):
    code = wait.__code__
    more = {"co_qualname": text + "." + text} if hasattr(code, "co_qualname") else {}
    names = tuple(text if name == "number" else name for name in code.co_varnames)
    function = type(wait)(code.replace(co_name=text, co_filename="/srv/" + text + ".py", co_varnames=names, **more),
                          globals())
    return function


def unknown():
    """A thread that threading does not know, with a name that the kernel has cut."""
    common.libc.prctl(15, b"\x1b[31m\xff\xc3\n\xe2\x80\xae!", 0, 0, 0)  # PR_SET_NAME
    begun.release()
    common.wait("gate")


Odd.__name__ = Odd.__qualname__ = "\x1b[31mOdd\u202e"
for name, hostile in NAMES.items():
    common.start(hostile, renamed(hostile), hostile)
begun = _thread.allocate_lock()
begun.acquire()
_thread.start_new_thread(unknown, ())
begun.acquire()
common.libc.prctl(15, b"main\x1b]0;\x07\x9b\xff", 0, 0, 0)
common.serve()
