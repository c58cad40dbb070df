"""A script that computes in the only task of its loop: nobody is kept waiting."""
import asyncio


async def main():
    print(flush=True)
    while True:
        sum(range(1000))

asyncio.run(main())
