"""The web application of a session."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from livestack.show.web import files, shell
from livestack.show.web.guard import Guard
from livestack.show.web.house import House
from livestack.show.web.operator import operator_routes
from livestack.show.web.pages import public_routes
from livestack.show.web.renditions import Busy

_FIRST_LOOK_S = 3.0
_log = logging.getLogger(__name__)


def application(house: House, names: frozenset[str]) -> Guard:
    """Return it: what guests read, and what the operator does."""

    @contextlib.asynccontextmanager
    async def watching(app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(work) for work in (house.watch(), house.hub.breathe())]
        with contextlib.suppress(TimeoutError):  # guests who come back wait: an empty night would be another to them
            await asyncio.wait_for(house.looked.wait(), _FIRST_LOOK_S)
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        house.close()

    async def nowhere(request: Request, error: Exception) -> Response:
        return Response(shell.lost(), 404, media_type="text/html")

    async def busy(request: Request, error: Exception) -> Response:
        return PlainTextResponse("There are many guests. Ask again.", 503, {"Retry-After": "3"})

    async def broken(request: Request, error: Exception) -> Response:
        _log.error("the page: %s failed", request.url.path, exc_info=error)
        return PlainTextResponse("Something went wrong here. The picture is safe.", status_code=500)

    routes: list[BaseRoute] = [*public_routes(house), *_fixed_routes(), *operator_routes(house)]  # as often asked
    handlers = {404: nowhere, Busy: busy, Exception: broken}
    app = Starlette(routes=routes, lifespan=watching, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Guard(app, names)


def _fixed_routes() -> list[BaseRoute]:
    return [Route(path, _fixed(data, kind)) for path, (data, kind) in {**shell.files(), **files.files()}.items()]


def _fixed(data: bytes, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return Response(data, media_type=kind)

    return answer
