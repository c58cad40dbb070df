"""A trio that asyncio hosts: tasks of both, which stand still."""
import asyncio
import json
import sys

import trio


async def sleeps():
    await trio.sleep(1000)


async def guest(host):
    async with trio.open_nursery() as nursery:
        for name in "one", "two":
            nursery.start_soon(sleeps, name=name)
        if "keeps" in sys.argv:
            nursery.start_soon(keeps)
        await trio.testing.wait_all_tasks_blocked()
        host.call_soon_threadsafe(tell, {hex(id(task)): [task.name, [[frame.f_code.co_name, line] for frame, line
                                                                     in task.iter_await_frames()][::-1]]
                                         for task in nursery.child_tasks})


async def keeps():
    await trio.sleep(0.1)
    sys.stdin.read()


def tell(truth):
    task, = asyncio.all_tasks()
    frame, = task.get_stack()
    print(json.dumps([truth, {hex(id(task)): [task.get_name(), [[frame.f_code.co_name, frame.f_lineno]]]}]), flush=True)


async def main():
    host, ended = asyncio.get_running_loop(), asyncio.Event()
    trio.lowlevel.start_guest_run(guest, host, run_sync_soon_threadsafe=host.call_soon_threadsafe,
                                  done_callback=lambda _: host.call_soon_threadsafe(ended.set))
    await ended.wait()

import trio.testing
asyncio.run(main())
