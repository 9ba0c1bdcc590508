"""What guests may ask for: the state, and pictures of any kind. All of it is only to be read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from livestack.engine.buildup import Step
from livestack.events import Json
from livestack.show.caption import captioned
from livestack.show.code import as_svg
from livestack.show.past import seen as past_seen
from livestack.show.rendition import LONGEST_PX, jpeg
from livestack.show.skymap import sky_svg
from livestack.show.web.feed import Sight
from livestack.show.web.full import place_of, tile
from livestack.show.web.growing import frame, patch
from livestack.show.web.house import House
from livestack.show.web.hub import Events
from livestack.show.web.renditions import packed, png
from livestack.sky.catalogue import named

_SLIDE_QUALITY = 84
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_NOW = {"Cache-Control": "no-store"}
_A_WHILE = {"Cache-Control": "public, max-age=600"}
"""Of a step, which is judged anew now and then."""
Answer = Callable[[Request], Awaitable[Response]]


class Public:
    """Answers guests; for the thread of the event loop."""

    def __init__(self, house: House) -> None:
        self._house, self._feed = house, house.feed

    async def state(self, request: Request) -> Response:
        """Tell where the night stands."""
        hub = self._house.hub
        hub.asked(request.client.host if request.client else "")
        return Response(hub.text, media_type="application/json", headers=_NOW)

    async def health(self, request: Request) -> Response:
        """Tell that the page is there."""
        return JSONResponse({"ok": True, "photos": self._feed.state["photos"]})

    async def picture(self, request: Request) -> Response:
        """Send the stack."""
        return await self._of_sight(request, "picture")

    async def one(self, request: Request) -> Response:
        """Send the last photo."""
        return await self._of_sight(request, "one")

    async def part(self, request: Request) -> Response:
        """Send a tile of the stack at its full resolution."""
        feed = self._feed
        sight = feed.sight
        full = sight.seen.full if sight is not None else None
        level, x, y = (request.path_params[name] for name in ("level", "x", "y"))
        place = place_of(full, level, x, y) if full is not None else None
        if sight is None or full is None or place is None or sight.seen.stack is None:
            return _gone()
        seen, settled, v = sight.seen, sight.settled, full["version"]
        made = await self._house.renditions.get(
            ("tile", level, x, y, v), lambda: tile(feed.source.session, seen, settled, place), self._house.making
        )
        return _sent(request, v, made)

    async def past(self, request: Request) -> Response:
        """Send the picture of a former night."""
        around, k = self._feed.around, request.path_params["k"]
        if not 0 <= k < len(around.slides):
            return _gone()

        def make() -> bytes | None:
            image = past_seen(around.slides[k], LONGEST_PX)
            return None if image is None else jpeg(image, _SLIDE_QUALITY)

        v = around.slides_v
        return _sent(request, v, await self._house.renditions.get(("past", k, v), make, self._house.making))

    async def save(self, request: Request) -> Response:
        """Send the picture as a guest keeps it."""
        sight, told = self._feed.sight, self._feed.state
        if sight is None:
            return _gone()
        key = ("save", sight.seen.version, told["name"], told["summary"])
        made = await self._house.renditions.get(key, lambda: saved(sight, told), self._house.making)
        headers = {**_NOW, "Content-Disposition": 'attachment; filename="livestack.png"'}
        return Response(made, media_type="image/png", headers=headers)

    async def page_code(self, request: Request) -> Response:
        """Send the code of the page."""
        return _code(self._feed.around.address)

    async def wifi_code(self, request: Request) -> Response:
        """Send the code of the Wi-Fi, where guests are told of one."""
        wifi = self._house.wifi
        return _code(wifi.code if wifi is not None and self._feed.state["present"]["wifi"] else "")

    async def step(self, request: Request) -> Response:
        """Send the picture as it was with fewer photos."""
        sight, n = self._feed.sight, request.path_params["n"]
        found = _step_of(sight, n)
        if sight is None or found is None:
            return _gone()
        step, seen, settled = found[0], sight.seen, sight.settled
        made = await self._house.renditions.get(
            ("step", n, seen.stretch, step), lambda: frame(step, seen, settled), self._house.making
        )
        return _gone() if made is None else Response(made, media_type="image/jpeg", headers=_A_WHILE)

    async def grain(self, request: Request) -> Response:
        """Send a patch of the sky with as many photos as one of the card has."""
        sight, k = self._feed.sight, request.path_params["k"]
        numbers = [one["photos"] for one in self._feed.state["card"]["grain"]]
        found = _step_of(sight, numbers[k]) if k < len(numbers) else None
        if sight is None or found is None:
            return _gone()
        step, seen, settled = found[0], sight.seen, sight.settled
        made = await self._house.renditions.get(
            ("grain", k, seen.version),
            lambda: patch(step, seen, settled, self._feed.edge(sight)),
            self._house.making,
        )
        return _gone() if made is None else Response(made, media_type="image/jpeg", headers=_A_WHILE)

    async def sky(self, request: Request) -> Response:
        """Send a map of where in the sky the object is."""
        feed = self._feed
        own = feed.outreach.shown.words.name
        target = own if named(own) is not None else feed.night.target or ""

        def make() -> bytes | None:
            svg = sky_svg(target)
            return None if svg is None else svg.encode()

        made = await self._house.renditions.get(("sky", target), make, self._house.making)
        return _gone() if made is None else Response(made, media_type="image/svg+xml", headers=_A_WHILE)

    async def _of_sight(self, request: Request, which: str) -> Response:
        sight, size = self._feed.sight, request.path_params["size"]
        if sight is None or size not in self._feed.state["picture"]["sizes"]:
            return _gone()

        def make() -> bytes | None:
            image = sight.image if which == "picture" else sight.one_image
            return None if image is None else packed(image, size)

        v = sight.seen.version
        return _sent(request, v, await self._house.renditions.get((which, size, v), make, self._house.packing))


def public_routes(house: House) -> list[BaseRoute]:
    """Return the routes of guests."""
    public = Public(house)
    return [
        Route("/picture/{size:int}.jpg", public.picture),
        Route("/one/{size:int}.jpg", public.one),
        WebSocketRoute("/ws", house.hub.socket),
        Route("/state.json", public.state),
        Route("/health", public.health),
        Route("/tile/{level:int}/{x:int}_{y:int}.jpg", public.part),
        Route("/buildup/{n:int}.jpg", public.step),
        Route("/grain/{k:int}.jpg", public.grain),
        Route("/sky.svg", public.sky),
        Route("/past/{k:int}.jpg", public.past),
        Route("/save.png", public.save),
        Route("/qr/page.svg", public.page_code),
        Route("/qr/wifi.svg", public.wifi_code),
        Route("/events", Events(house.hub, house.door)),
    ]


def _step_of(sight: Sight | None, n: int) -> tuple[Step | None] | None:
    """Return a step of a picture, which is None for the picture itself; None where there is none."""
    if sight is None or sight.seen.stack is None:
        return None
    if n == sight.seen.stack.n_subs:
        return (None,)
    step = next((step for step in sight.seen.steps if step.n_subs == n), None)
    return None if step is None else (step,)


def _gone() -> Response:
    return PlainTextResponse("Nothing is live here.", status_code=404)


def _sent(request: Request, version: int, data: bytes | None) -> Response:
    """Return a picture that may be kept for good; one of another version than was asked for may not be kept."""
    if data is None:
        return _gone()
    is_it = request.query_params.get("v") == str(version)
    return Response(data, media_type="image/jpeg", headers=_FOREVER if is_it else _NOW)


def _code(text: str) -> Response:
    return Response(as_svg(text), media_type="image/svg+xml") if text else _gone()


def saved(sight: Sight, told: Json) -> bytes:
    """Return the picture as a guest keeps it: with its name, how much light it is, and when it was."""
    night = datetime.now(UTC).astimezone()
    words = f"{told['summary']}, {night.day} {night:%B %Y}"
    picture = captioned(sight.image.astype(np.float32) / np.float32(255), told["name"], words)
    return png(np.rint(picture * 255).astype(np.uint8))
