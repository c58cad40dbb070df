"""A coroutine that sleeps without giving way: all other tasks of its loop starve."""
import asyncio
import sys
import time

import uvloop


async def bad():
    while True:
        time.sleep(0.4)
        await asyncio.sleep(0.01)


async def good():
    while True:
        await asyncio.sleep(0.02)


async def main():
    print(flush=True)
    await asyncio.gather(bad(), *[good() for _ in range(20)])

(uvloop if "uvloop" in sys.argv else asyncio).run(main())
