"""A loop that is busy with short callbacks, and whose tasks all have their turn."""
import asyncio
import sys

import uvloop


async def spin():
    while True:
        sum(range(2000))
        await asyncio.sleep(0)


async def main():
    print(flush=True)
    await asyncio.gather(spin(), spin(), asyncio.sleep(3600))

(uvloop if "uvloop" in sys.argv else asyncio).run(main())
