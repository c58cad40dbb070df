"""For each line some thousand steps of trio's tasks in passes of any size; then it tells how many there were so far."""
import os

import trio

STEPS = [0]


class Counts(trio.abc.Instrument):
    def after_task_step(self, task):
        STEPS[0] += 1


async def steps(count):
    for _ in range(count):
        await trio.lowlevel.checkpoint()


async def main():
    print("begun", flush=True)
    lines = trio.lowlevel.FdStream(os.dup(0))
    while await lines.receive_some(1):
        async with trio.open_nursery() as nursery:
            for count in range(0, 1000, 50):
                nursery.start_soon(steps, count)
        print(STEPS[0], flush=True)

trio.run(main, instruments=[Counts()])
