"""Event loops in threads of their own, whose tasks stand still in every way there is, or come and go. For Python 3.7 on."""
import asyncio
import gc
import os
import socket
import sys
import threading
import time
import types

import common

loops, expected, running = {}, {}, {}  # by name: of loops; of tasks, what they wait for
kept_alive = []  # tasks: a loop itself refers to none


def name_of(task):
    return task.get_name() if hasattr(task, "get_name") else None


def parts(awaitable):
    """(frame, what it awaits) of a coroutine, generator or asynchronous generator; None: it is none of these."""
    for kind, frame, awaits in (("cr", "cr_frame", "cr_await"), ("gi", "gi_frame", "gi_yieldfrom"),
                                ("ag", "ag_frame", "ag_await")):
        if hasattr(awaitable, frame):
            return getattr(awaitable, frame), getattr(awaitable, awaits)
    return None


def chain(awaitable):
    """[function, file, line] from the outermost coroutine inwards. What asend() gives refers to its generator."""
    rows = []
    while awaitable is not None:
        part = parts(awaitable)
        if part is None:
            inner = [other for other in gc.get_referents(awaitable) if parts(other)]
            if isinstance(awaitable, asyncio.Future) or not inner:
                return rows
            awaitable = inner[0]
            continue
        frame, awaitable = part
        if frame is None:
            return rows
        rows.append([frame.f_code.co_name, frame.f_code.co_filename, frame.f_lineno])
    return rows


def all_tasks(name):
    """From 3.14 on asyncio.all_tasks knows those of C only."""
    find = getattr(asyncio.tasks, "_py_all_tasks", None) if name == "pure" else None
    return (find or asyncio.all_tasks)(loops[name])


def truth(name):
    """Of each task of a loop that stands still: its name, and its stack, innermost frame first."""
    return {hex(id(task)): [name_of(task), chain(task.get_coro() if hasattr(task, "get_coro") else task._coro)[::-1]]
            for task in all_tasks(name)}


def graph(name):
    """The same stacks as asyncio itself tells them (3.14 on), and who awaits each."""
    answer = {}
    for task in asyncio.all_tasks(loops[name]):
        call_graph = asyncio.capture_call_graph(task)
        rows = [[entry.frame.f_code.co_name, entry.frame.f_code.co_filename, entry.frame.f_lineno]
                for entry in call_graph.call_stack]
        answer[hex(id(task))] = [rows, sorted(hex(id(one.future)) for one in call_graph.awaited_by)]
    return answer


# ---- tasks that stand still ----


async def leaf():
    await asyncio.sleep(100000)


async def nested(depth):
    if depth:
        return await nested(depth - 1)
    await leaf()


async def numbers():
    for number in range(3):
        yield number
        await asyncio.sleep(50000)


async def iterates():
    async for _ in numbers():
        pass


async def sends():
    made = numbers()
    await made.asend(None)
    await made.asend(None)


async def closes():
    async def guarded():
        try:
            yield 1
        finally:
            await asyncio.sleep(60000)
    made = guarded()
    await made.asend(None)
    await made.aclose()


@types.coroutine
def old_style():
    yield from leaf().__await__()


async def awaits_generator():
    await old_style()


class Custom:
    def __await__(self):
        return (yield from asyncio.get_event_loop().create_future())


async def awaits_custom():
    await Custom()


async def shares(argument):
    def inner():
        return argument
    await asyncio.sleep(70000)
    return inner


async def holds(lock):
    async with lock:
        await leaf()


async def wants(lock):
    async with lock:
        pass


async def waits(event):
    await event.wait()


async def condition_waits(condition):
    async with condition:
        await condition.wait()


async def gets(queue):
    await queue.get()


async def puts(queue):
    while True:
        await queue.put(1)


async def future():
    await asyncio.get_event_loop().create_future()


async def gathers():
    await asyncio.gather(leaf(), leaf())


async def awaits(task):
    await task


async def times_out():
    await asyncio.wait_for(leaf(), 100000)


async def waits_for_any(tasks):
    await asyncio.wait(tasks)


async def groups():
    async with asyncio.TaskGroup() as group:
        group.create_task(leaf())
        group.create_task(leaf())


async def reads(reader):
    await reader.read(1)


def put_to_work(loop, name, coroutine, kind, words):
    task = loop.create_task(coroutine)
    if hasattr(task, "set_name"):
        task.set_name(name)
    kept_alive.append(task)
    expected[hex(id(task))] = [kind, words]
    return task


async def scene(begun):
    loop = asyncio.get_event_loop()
    lock, queue, full = asyncio.Lock(), asyncio.Queue(), asyncio.Queue(maxsize=1)
    here, there = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=here)

    def put(*what):
        return put_to_work(loop, *what)

    sleeper = put("sleeps", leaf(), "sleep", r"sleep, \d+\.\d s left")
    put("nested", nested(20), "sleep", "sleep, .*")
    put("iterates", iterates(), "sleep", "sleep, .*")
    put("sends", sends(), "sleep", "sleep, .*")
    put("closes", closes(), "sleep", "sleep, .*")
    put("old style", awaits_generator(), "sleep", "sleep, .*")
    put("custom", awaits_custom(), "future", "Future")
    put("shares", shares(1), "sleep", "sleep, .*")
    put("holds", holds(lock), "sleep", "sleep, .*")
    put("wants", wants(lock), "lock", "Lock held by (holds|another task)")
    put("wants, too", wants(lock), "lock", "Lock held by (holds|another task)")
    put("waits", waits(asyncio.Event()), "event", "Event")
    put("condition", condition_waits(asyncio.Condition()), "event", "Condition")
    put("semaphore", wants(asyncio.Semaphore(0)), "lock", "Semaphore")
    put("gets", gets(queue), "queue", "get from an empty Queue")
    put("puts", puts(full), "queue", "put into a full Queue")
    put("future", future(), "future", "Future")
    put("gathers", gathers(), "gather", "gather of 2")
    put("awaits", awaits(sleeper), "task", "(sleeps|a task)")
    put("times out", times_out(), *(("sleep", "sleep, .*") if sys.version_info >= (3, 12) else
                                    ("task", "wait_for of .*")))
    put("any", waits_for_any([sleeper]), "gather", "wait for 1")
    put("reads", reads(reader), "io", "read from .*")
    if hasattr(asyncio, "TaskGroup"):
        put("groups", groups(), "gather", "TaskGroup of 2")
    put("this one", stands(begun, writer, there), "future", "Future")


async def stands(begun, *kept):
    begun.set()
    await asyncio.get_event_loop().create_future()


def settle(loop):
    """Nothing is ready any more: the loop has nothing to do but to wait."""
    settled = threading.Event()

    def look(calm):
        calm = calm + 1 if not loop._ready else 0
        if calm == 3:
            settled.set()
        else:
            loop.call_soon(look, calm)

    loop.call_soon_threadsafe(look, 0)
    settled.wait()


def run_loop(name, factory=None):
    """A thread that runs a loop for ever."""
    begun = threading.Event()

    def run():
        loop = loops[name] = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        if factory:
            loop.set_task_factory(factory)
        loop.call_soon(begun.set)
        loop.run_forever()

    common.start(name, run)
    begun.wait()
    return loops[name]


def still(name, factory=None):
    loop, begun = run_loop(name, factory), threading.Event()
    asyncio.run_coroutine_threadsafe(scene(begun), loop).result()
    begun.wait()
    settle(loop)


# ---- a task that keeps its loop ----


async def never_begins():
    pass


def blocks():
    common.wait("park")


async def keeps(begun):
    loop = asyncio.get_event_loop()
    loop.call_later(0, never_begins)
    for _ in range(3):
        loop.create_task(never_begins())
    running["kept"] = hex(id(asyncio.current_task() if hasattr(asyncio, "current_task") else None))
    begun.set()
    await nested_block(5)


async def nested_block(depth):
    if depth:
        return await nested_block(depth - 1)
    blocks()


def kept():
    loop, begun = run_loop("kept"), threading.Event()
    asyncio.run_coroutine_threadsafe(keeps(begun), loop)
    begun.wait()


# ---- tasks that wait for one another ----


async def takes_both(one, other):
    async with one:
        await asyncio.sleep(0.01)
        async with other:
            pass


async def locked(begun):
    loop = asyncio.get_event_loop()
    one, other = asyncio.Lock(), asyncio.Lock()
    put_to_work(loop, "this", takes_both(one, other), "lock", "")
    put_to_work(loop, "that", takes_both(other, one), "lock", "")
    while len(one._waiters or ()) + len(other._waiters or ()) < 2:
        await asyncio.sleep(0.001)
    begun.set()


def deadlock():
    begun = threading.Event()
    loop = run_loop("deadlock")
    asyncio.run_coroutine_threadsafe(locked(begun), loop).result()
    settle(loop)


# ---- tasks that wait for ever ----


async def stubborn():
    try:
        await leaf()
    except asyncio.CancelledError:
        await leaf()


async def takes(lock):
    await lock.acquire()


async def keeps_lock(lock):
    await lock.acquire()
    try:
        await leaf()
    finally:
        lock.release()


async def takes_twice(lock):
    async with lock:
        await wants(lock)


async def nests(lock):
    async with lock:
        async with lock:
            pass


async def waits_for_ever():
    await asyncio.Event().wait()


class Owner:
    def __init__(self):
        self.event = asyncio.Event()

    async def waits(self):
        await self.event.wait()


async def lose():
    loop, leaked, kept = asyncio.get_event_loop(), asyncio.Lock(), asyncio.Lock()
    task = put_to_work(loop, "stubborn", stubborn(), "sleep", "")
    await takes(leaked)
    for name, coroutine in (("leaked", wants(leaked)), ("keeps", keeps_lock(kept)), ("behind", wants(kept)),
                            ("twice", takes_twice(asyncio.Lock())), ("nests", nests(asyncio.Lock())),
                            ("for ever", waits_for_ever()), ("nobody sets", waits(asyncio.Event())), ("somebody sets", Owner().waits())):
        put_to_work(loop, name, coroutine, "", "")
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()


def lost():
    loop = run_loop("lost")
    asyncio.run_coroutine_threadsafe(lose(), loop).result()
    settle(loop)


# ---- a task whose thread has ended ----


async def leaves():
    kept_alive.append(asyncio.get_event_loop().create_task(leaf()))
    await asyncio.sleep(0)


def orphan():
    loop = loops["orphan"] = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(leaves()))
    thread.start()
    thread.join()


# ---- a loop behind the GIL ----


async def turns():
    while True:
        await asyncio.sleep(0)


def starved():
    asyncio.run_coroutine_threadsafe(turns(), run_loop("starved"))
    common.start("computes", lambda: [None for _ in iter(int, 1)])


# ---- tasks that come and go ----


async def innermost(turn):
    await asyncio.sleep(0 if turn % 3 else 0.0001)


async def middle(turn):
    await innermost(turn)
    await innermost(turn + 1)


async def outermost(turn):
    await middle(turn)
    await middle(turn + 1)


async def churn():
    loop, turn = asyncio.get_event_loop(), 0
    while True:
        turn += 1
        tasks = [loop.create_task(outermost(turn + i)) for i in range(20)]
        if turn % 5 == 0:
            tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def churns():
    asyncio.run_coroutine_threadsafe(churn(), run_loop("churn"))


# ---- tasks that compute ----


def compute(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


async def computes_much():
    compute(0.007)


async def computes_little():
    compute(0.003)


async def works(turn):
    while True:
        await turn()
        await asyncio.sleep(0)


async def awaits_work(turn, name):
    await put_to_work(asyncio.get_event_loop(), name, works(turn), "", "")


async def boss():
    await asyncio.gather(awaits_work(computes_much, "much"), awaits_work(computes_little, "little"))


def shared():
    asyncio.run_coroutine_threadsafe(boss(), run_loop("shared"))


def pure(loop, coroutine, **options):
    return asyncio.tasks._PyTask(coroutine, loop=loop, **options)


if __name__ == "__main__":
    scenes = {"still": lambda: still("still"), "pure": lambda: still("pure", pure), "kept": kept, "churn": churns, "deadlock": deadlock, "lost": lost, "starved": starved, "orphan": orphan,
              "shared": shared,
              "eager": lambda: still("eager", asyncio.eager_task_factory)}
    for word in common.ARGS:
        scenes[word]()
    common.serve(truth=truth, graph=graph, expected=lambda: expected, running=lambda: running)
