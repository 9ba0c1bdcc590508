"""The page of guests as plain files for any web host: the same files, and every picture that the page may ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from livestack.errors import SettingsError
from livestack.events import Json
from livestack.show.skymap import sky_svg
from livestack.show.source import Source
from livestack.show.web import shell
from livestack.show.web.feed import Feed, Sight
from livestack.show.web.growing import frame, patch
from livestack.show.web.pages import saved
from livestack.show.web.public import Around
from livestack.show.web.renditions import packed
from livestack.sky.catalogue import named

_NOT_FOR_GUESTS = ("present", "lost", "login", "operator")
"""Of these there is none without a server."""
STATE = "state.json"


def write_site(source: Source, folder: Path) -> None:
    """Write the page of a session into a folder that is there, as guests see it now.

    Raises
    ------
    SettingsError
        There is no picture yet, or the folder does not take the files.
    """
    feed = Feed(source, Around())
    state = feed.refresh()
    if feed.sight is None:
        raise SettingsError(f"{source.session} has no picture to show: its cache is empty")
    state = _kept(state)
    try:
        for name, data in _files(feed, feed.sight, state):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (folder / STATE).write_text(json.dumps(state, ensure_ascii=False), "utf-8")
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror or error}") from None


def _kept(state: Json) -> Json:
    """Return the public state as it is told where nothing is live: nothing comes, and nobody is asked anything."""
    still = {"static": True, "ended": True, "held": False, "coming": None, "next_s": None}
    return {**state, **still, "address": "", "ssid": "", "slides": [], "picture": {**state["picture"], "full": None}}


def _files(feed: Feed, sight: Sight, state: Json) -> Iterator[tuple[str, bytes]]:
    """Return all files but the state, by where they lie; a step that is gone meanwhile is told no more."""
    for path, (data, _) in shell.files().items():
        name = path.removeprefix("/") or "index.html"
        if not name.startswith(_NOT_FOR_GUESTS):
            yield name, data
    for size in state["picture"]["sizes"]:
        yield f"picture/{size}.jpg", packed(sight.image, size)
        if sight.one_image is not None:
            yield f"one/{size}.jpg", packed(sight.one_image, size)
    yield from _growing(feed, sight, state)
    own = feed.outreach.shown.words.name
    svg = sky_svg(own if named(own) is not None else feed.night.target or "")
    if svg is not None:
        yield "sky.svg", svg.encode()
    yield "save.png", saved(sight, state)


def _growing(feed: Feed, sight: Sight, state: Json) -> Iterator[tuple[str, bytes]]:
    seen, settled = sight.seen, sight.settled
    by_number = {step.n_subs: step for step in seen.steps}
    made = {one["n"]: frame(by_number.get(one["n"]), seen, settled) for one in state["buildup"]}
    state["buildup"] = [one for one in state["buildup"] if made[one["n"]] is not None]
    yield from ((f"buildup/{n}.jpg", data) for n, data in made.items() if data is not None)
    corner = feed.edge(sight)
    patches = [patch(by_number.get(one["photos"]), seen, settled, corner) for one in state["card"]["grain"]]
    if any(data is None for data in patches):
        state["card"]["grain"], patches = [], []
    yield from ((f"grain/{k}.jpg", data) for k, data in enumerate(patches) if data is not None)
