"""A process to make an image of, which runs an event loop whose tasks wait for this and that. For Python 3.7 on."""
import asyncio
import os


async def leaf():
    await asyncio.sleep(100000)


async def nested(depth):
    await (nested(depth - 1) if depth else leaf())


async def numbers():
    yield 1
    await asyncio.sleep(50000)


async def iterates():
    async for _ in numbers():
        pass


async def holds(lock):
    async with lock:
        await leaf()


async def gathers():
    await asyncio.gather(leaf(), leaf())


async def awaits(task):
    await task


async def main():
    loop, lock = asyncio.get_event_loop(), asyncio.Lock()
    coroutines = [nested(3), iterates(), holds(lock), holds(lock), gathers(), asyncio.Event().wait(),
                  asyncio.Queue().get()]
    tasks = [loop.create_task(coroutine) for coroutine in coroutines]
    tasks.append(loop.create_task(awaits(tasks[0])))
    await asyncio.sleep(0.01)
    tasks.append(loop.create_task(leaf()))
    os.read(0, 1)


asyncio.run(main())
