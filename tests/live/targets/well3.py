"""Ways to be well with asyncio, for Python 3: argument 1 names it."""
import asyncio
import threading

import common
from common import start

state = {}


def asyncio_idle():
    """A server of asyncio that nobody asks."""
    def run_loop():
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        state["server"] = loop.run_until_complete(asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0))
        loop.call_soon(state["has"].set)
        loop.run_forever()
    state["has"] = threading.Event()
    start("loop", run_loop)
    state["has"].wait()


def asyncio_ticks():
    """One with timers and a client, who is answered at once."""
    async def answer(reader, writer):
        while await reader.readexactly(1):
            writer.write(b"x")

    async def ask():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        while True:
            writer.write(b"x")
            await reader.readexactly(1)
            await asyncio.sleep(0.005)

    def run_loop():
        asyncio.new_event_loop().run_until_complete(ask())
    start("loop", run_loop)


if __name__ == "__main__":
    globals()[common.ARGS[0]]()
    common.serve()
