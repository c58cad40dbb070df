"""A web server and its clients: a request that failed has left a lock behind, which five others wait for."""
import asyncio

import aiohttp
from aiohttp import web


async def takes(request):
    await request.app["lock"].acquire()
    if "fails" in request.query:
        raise web.HTTPBadRequest()
    request.app["lock"].release()
    return web.Response()


async def main():
    app = web.Application()
    app["lock"] = asyncio.Lock()
    app.router.add_get("/", takes)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = "http://127.0.0.1:%d/" % runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        await session.get(url + "?fails=1")
        requests = [asyncio.ensure_future(session.get(url)) for _ in range(5)]
        while len(app["lock"]._waiters or ()) < 5:
            await asyncio.sleep(0.001)
        print("waiting", flush=True)
        await asyncio.wait(requests)


asyncio.run(main())
