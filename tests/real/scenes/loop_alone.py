"""A script that computes in the only task of its loop: nobody is kept waiting."""
import asyncio
import sys

import uvloop


async def main():
    print(flush=True)
    while True:
        sum(range(1000))

(uvloop if "uvloop" in sys.argv else asyncio).run(main())
