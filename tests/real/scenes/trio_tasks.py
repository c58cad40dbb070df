"""Tasks of trio that stand still: it tells their stacks first, and then looks after itself no more."""
import json
import sys

import trio

NAMES = {}


async def sleeps():
    await trio.sleep(1000)


async def nested():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sleeps)
        nursery.start_soon(sleeps)


async def holds(lock):
    async with lock:
        await sleeps()


async def wants(lock):
    async with lock:
        pass


async def generates():
    while True:
        yield await trio.sleep(1000)


async def iterates():
    async for each in generates():
        pass


async def reads():
    server, = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with await trio.open_tcp_stream(*server.socket.getsockname()) as stream:
        await stream.receive_some()


async def keeps():
    print(hex(id(trio.lowlevel.current_task())), flush=True)
    sys.stdin.read()


def tasks(nursery):
    for task in nursery.child_tasks:
        yield task
        for inner in task.child_nurseries:
            yield from tasks(inner)


async def main():
    lock = trio.Lock()
    async with trio.open_nursery() as nursery:
        for function, *words in [[sleeps], [nested], [holds, lock], [iterates], [reads]]:
            nursery.start_soon(function, *words)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(wants, lock)
        await trio.testing.wait_all_tasks_blocked()
        print(json.dumps({hex(id(task)): [task.name, [[frame.f_code.co_name, line] for frame, line
                                                      in task.iter_await_frames()][::-1],
                                          hex(id(task.parent_nursery.parent_task))] for task in tasks(nursery)}),
              flush=True)
        if "keeps" in sys.argv:
            nursery.start_soon(keeps)

import trio.testing
trio.run(main)
