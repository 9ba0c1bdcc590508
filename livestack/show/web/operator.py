"""The operator's routes: a token opens them, and a session keeps them open."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from livestack.errors import LivestackError
from livestack.events import Json
from livestack.show.web import files
from livestack.show.web.access import COOKIE, LASTS_S
from livestack.show.web.desk import Desk, Do, Refused
from livestack.show.web.guard import MOST_BODY
from livestack.show.web.house import House

_NO_STORE: Final = {"Cache-Control": "no-store"}
_AWAY: Final = "The session's disk does not answer. Guests keep the picture they have."
Answer = Callable[[Request], Awaitable[Response]]


class Entry:
    """Lets in who knows the token, and answers who is in; for the thread of the event loop."""

    def __init__(self, house: House) -> None:
        self._house, self._access, self._body_s = house, house.access, house.door.limits.body_s
        self.desk = Desk(house)

    async def show(self, request: Request) -> Response:
        """Send the page, or that on which one signs in."""
        if self._is_in(request):
            return Response(files.page(), 200, _NO_STORE, "text/html")
        token = request.query_params.get("token")
        return self._enter(request, token) if token else Response(files.login(), 401, _NO_STORE, "text/html")

    async def sign_in(self, request: Request) -> Response:
        """Take a token that was typed."""
        body = await _body(request, self._body_s)
        if isinstance(body, Response):
            return body
        token = body.get("token")
        return self._enter(request, token.strip() if isinstance(token, str) else "")

    async def sign_out(self, request: Request) -> Response:
        """Forget who it is."""
        if not self._is_in(request):
            return _stranger()
        self._access.sign_out(request.cookies.get(COOKIE, ""))
        answer = JSONResponse({}, headers=_NO_STORE)
        answer.delete_cookie(COOKIE, path="/operator", httponly=True, samesite="strict")
        return answer

    async def state(self, request: Request) -> Response:
        """Tell all that the operator's page shows."""
        if not self._is_in(request):
            return _stranger()
        return JSONResponse(self.desk.state(), headers=_NO_STORE)

    async def draft(self, request: Request) -> Response:
        """Send the newest picture as it would look."""
        if not self._is_in(request):
            return _stranger()
        feed, look = self._house.feed, self._house.feed.outreach.draft.look
        newest = feed.source.picture()
        key = ("draft", newest and (newest.stack, newest.version), look)
        made = await self._house.renditions.get(key, lambda: feed.draft_of(look), self._house.following)
        if made is None:
            return PlainTextResponse("The first photo is on its way.", 404, _NO_STORE)
        return Response(made, media_type="image/jpeg", headers=_NO_STORE)

    def action(self, do: Do) -> Answer:
        """Return what does something that the operator asks for."""

        async def answer(request: Request) -> Response:
            if not self._is_in(request):
                return _stranger()
            body = await _body(request, self._body_s)
            if isinstance(body, Response):
                return body
            try:
                more = await do(body) or {}
            except Refused as why:
                return JSONResponse({"error": str(why)}, 409, _NO_STORE)
            except (sqlite3.Error, OSError):
                return JSONResponse({"error": _AWAY}, 409, _NO_STORE)
            except LivestackError as why:
                return JSONResponse({"error": str(why)}, 422, _NO_STORE)
            return JSONResponse({**self.desk.state(), **more}, headers=_NO_STORE)

        return answer

    def _is_in(self, request: Request) -> bool:
        return self._access.knows(request.cookies.get(COOKIE, ""))

    def _enter(self, request: Request, token: str) -> Response:
        address = request.client.host if request.client else ""
        if self._access.is_barred(address):
            return Response(files.login(429), 429, {**_NO_STORE, "Retry-After": "60"}, "text/html")
        secret = self._access.sign_in(token, address)
        if secret is None:
            return Response(files.login(401), 401, _NO_STORE, "text/html")
        answer = Response(files.page(), 200, _NO_STORE, "text/html")
        answer.set_cookie(COOKIE, secret, max_age=LASTS_S, path="/operator", httponly=True, samesite="strict")
        return answer


def operator_routes(house: House) -> list[BaseRoute]:
    """Return the operator's routes: without a session each answers 401 alone."""
    entry = Entry(house)
    return [
        Route("/operator", entry.show),
        Route("/operator/state.json", entry.state),
        Route("/operator/draft.jpg", entry.draft),
        Route("/operator/login", entry.sign_in, methods=["POST"]),
        Route("/operator/logout", entry.sign_out, methods=["POST"]),
        *(Route(f"/operator/{name}", entry.action(do), methods=["POST"]) for name, do in entry.desk.actions.items()),
    ]


async def _body(request: Request, within_s: float) -> Json | Response:
    """Return the JSON object of a request, "" being an empty one; an answer where it is none."""
    data = b""
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.stream():
                data += chunk
                if len(data) > MOST_BODY:
                    return JSONResponse({"error": "That is too much."}, 413, _NO_STORE)
    except (TimeoutError, ClientDisconnect):
        return JSONResponse({"error": "That took too long."}, 408, {**_NO_STORE, "Connection": "close"})
    try:
        body = json.loads(data) if data.strip() else {}
    except (ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict) else JSONResponse({"error": "This is no JSON object."}, 400, _NO_STORE)


def _stranger() -> Response:
    return JSONResponse({"error": "This page needs the operator's link."}, 401, _NO_STORE)
