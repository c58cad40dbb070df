"""More places, with syntax and names that Python 2 has not."""
import functools
import types

from places import park, place, run


@place
def größe_日本():
    class Ärger:
        def übel(self):
            park()
    Ärger().übel()


@place
def super_call():
    class Base:
        def go(self):
            park()

    class Derived(Base):
        def go(self):
            super().go()
    Derived().go()


@place
def init_subclass():
    class Base:
        def __init_subclass__(cls):
            park()

    class Derived(Base):
        pass


@place
def keyword_only():
    def take(*, value):
        park()
    take(value=1)


@place
def yield_from():
    def deep():
        park()
        yield 1

    def middle():
        yield from deep()

    def outer():
        yield from middle()
    list(outer())


@place
def yield_from_later():
    def deep():
        for number in range(300):
            yield number
        park()

    def outer():
        yield from deep()
    for number in outer():
        pass


@place
def coroutine():
    async def inner():
        park()

    async def outer():
        await inner()
    try:
        outer().send(None)
    except StopIteration:
        pass


@place
def coroutine_later():
    @types.coroutine
    def switch():
        yield

    async def inner():
        await switch()
        park()

    async def outer():
        await inner()
    task = outer()
    task.send(None)
    try:
        task.send(None)
    except StopIteration:
        pass


@place
def async_generator():
    async def numbers():
        for number in range(3):
            yield number
        park()

    async def outer():
        async for number in numbers():
            pass
        return [number async for number in numbers()]
    try:
        outer().send(None)
    except StopIteration:
        pass


@place
def async_with():
    class Context:
        async def __aenter__(self):
            park()

        async def __aexit__(self, *what):
            pass

    async def outer():
        async with Context():
            pass
    try:
        outer().send(None)
    except StopIteration:
        pass


@place
def event_loop():
    import asyncio

    async def inner():
        await asyncio.sleep(0)
        park()

    async def outer():
        await asyncio.gather(inner(), asyncio.sleep(0))
    asyncio.new_event_loop().run_until_complete(outer())


@place
def format_string():
    class Text:
        def __format__(self, how):
            return str(park())
    f"""{Text()}
    """


@place
def annotated():
    def inner(value: park()):
        pass
    inner.__annotations__  # from 3.14 on they are evaluated when they are asked for


@place
def single_dispatch():
    @functools.singledispatch
    def inner(value):
        pass

    @inner.register(int)
    def inner_int(value):
        park()
    inner(1)


@place
def lone_surrogate():
    run("def odd():\n    park()\nodd.__code__ = odd.__code__\nodd()", "<tab\tescape\x1b>")
