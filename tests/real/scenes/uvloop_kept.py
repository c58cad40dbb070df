"""A callback that keeps a loop of uvloop, in which three others are ready."""
import asyncio
import sys

import uvloop


async def main():
    for _ in range(3):
        asyncio.get_running_loop().call_soon(int)
    print("begun", flush=True)
    sys.stdin.read()

uvloop.run(main())
