"""What an operator does, and what guests see of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from livestack.develop.live import shown, steady
from livestack.engine.buildup import Moment, folder_of, write_step
from livestack.events import SessionStopped, StackFounded
from livestack.frame import Array, Identity, Picture
from livestack.product import read_part
from livestack.show.rim import Rim, rim_of, without
from livestack.show.source import Source, open_source
from livestack.show.state import fold
from livestack.show.web import Page, serve
from livestack.show.web.full import TILE, full_of, place_of, tile
from livestack.show.web.look import Look, recipe_of
from livestack.show.web.outreach import FILE
from livestack.show.web.seen import Seen
from tests.show.asker import Asker
from tests.show.night import STACK, Night, sky


@pytest.fixture
def page(source: Source) -> Iterator[Page]:
    page = serve(source, "127.0.0.1", 0, threading.Event())
    yield page
    page.close()


def _grow(night: Night, n: int) -> None:
    while night.no < n:
        night.add()
    night.show(sky(n), sky(1, seed=n), n)


def _seen(asker: Asker) -> bytes:
    return asker.get("picture/480.jpg")[1] + asker.get("one/480.jpg")[1]


def _light(jpeg: bytes) -> float:
    return float(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE).mean())


def test_a_draft_is_seen_by_nobody_until_it_is_shown_and_can_be_taken_back(page: Page, night: Night) -> None:
    _grow(night, 4)
    asker = Asker(page).sign_in()
    before, picture, save = asker.photos(4), _seen(asker), asker.get("save.png")[1]
    asker.post("draft", brightness=0.95, colour=2.5, glow=0.3)
    asker.post("words", name="Our first light", meaning="Seen from the school yard", caption="Hello, class 7b")
    assert asker.post("draft", preset="nebula")[1]["changes"] == 7
    draft = asker.get("operator/draft.jpg")[1]
    assert _light(draft) > _light(asker.get("picture/480.jpg")[1]) + 10, "the operator sees it"
    assert _seen(asker) == picture
    assert asker.get("save.png")[1] == save
    still = asker.state()
    assert {**still, "coming": 0, "next_s": 0} == {**before, "coming": 0, "next_s": 0}

    assert asker.post("publish")[1]["changes"] == 0
    shown_now = asker.state()
    assert (shown_now["name"], shown_now["caption"]) == ("Our first light", "Hello, class 7b")
    assert shown_now["meaning"] == "Seen from the school yard"
    assert shown_now["stretch"] > before["stretch"]
    assert _light(asker.get("picture/480.jpg")[1]) == pytest.approx(_light(draft), abs=3)
    assert asker.post("undo")[1]["changes"] == 7, "the draft is as it was, and guests see what they saw"
    assert _seen(asker) == picture
    assert asker.state()["name"] == before["name"]
    while asker.post("undo")[0] == 200:
        pass
    assert asker.operated()["changes"] == 0


def test_a_number_of_a_catalogue_that_the_operator_writes_is_told_by_its_name(page: Page, night: Night) -> None:
    _grow(night, 4)
    asker = Asker(page).sign_in()
    asker.photos(4)
    asker.post("words", name="m51")
    asker.post("publish")
    told = asker.state(lambda state: bool(state["name"] == "Whirlpool Galaxy"))
    assert told["also"].startswith("M 51, a")
    assert told["meaning"].startswith("An island of billions of suns")
    asker.post("words", name="M 51, our favourite")
    asker.post("publish")
    assert asker.state(lambda state: bool(state["name"] == "M 51, our favourite"))["also"] == told["also"]


def test_numbers_that_cannot_be_are_refused(page: Page) -> None:
    asker = Asker(page).sign_in()
    for body in ({"brightness": 2}, {"brightness": "1"}, {"colour": True}, {"preset": "x"}, {"x": 1}, {"grain": 1e400}):
        assert asker.post("draft", **body)[0] == 422
    assert asker.operated()["changes"] == 0


def test_between_its_milestones_the_stretch_stays_and_a_new_target_begins_anew(page: Page, night: Night) -> None:
    _grow(night, 8)
    asker = Asker(page)
    first = asker.photos(8)
    _grow(night, 9)
    second = asker.state(lambda state: bool(state["version"] > first["version"] and state["photos"] == 9))
    assert (second["stretch"], second["lineage"]) == (first["stretch"], first["lineage"])
    night.say(StackFounded("M_57", "M 57", None, "ASI224MC", [976, 1304], "RGGB", 10, "/x/1.fits", "0" * 64))
    night.stack, night.target = "M_57", "M 57"
    night.add()
    assert asker.state(lambda state: bool(state["name"] == "Ring Nebula"))["photos"] == 1


def test_a_held_picture_stays_also_over_a_restart(source: Source, night: Night) -> None:
    page = serve(source, "127.0.0.1", 0, threading.Event())
    _grow(night, 4)
    asker = Asker(page).sign_in()
    asker.photos(4)
    asker.post("draft", brightness=0.8)
    asker.post("publish")
    asker.post("hold", held=True)
    picture = _seen(asker)
    _grow(night, 6)
    asker.operated(lambda state: bool(state["n_subs"] == 6))
    held = asker.state()
    assert (held["held"], held["photos"], _seen(asker) == picture) == (True, 4, True)
    page.close()

    again = open_source(night.session)
    page = serve(again, "127.0.0.1", 0, threading.Event())
    try:
        asker = Asker(page).sign_in()
        asker.operated(lambda state: bool(state["n_subs"] == 6))
        back = asker.state()
        assert (back["held"], back["photos"]) == (True, 4)
        assert back["version"] > held["version"], "no address means two pictures"
        assert _seen(asker) == picture
        asker.post("hold", held=False)
        assert not asker.photos(6)["held"]
        assert asker.operated()["look"]["brightness"] == 0.8
        assert (night.session / FILE).is_file()
    finally:
        page.close()
        again.journal.close()


def test_a_new_picture_waits_where_that_is_wanted(page: Page, night: Night) -> None:
    _grow(night, 3)
    asker = Asker(page).sign_in()
    asker.photos(3)
    asker.post("approve", asks=True)
    _grow(night, 5)
    assert asker.operated(lambda state: bool(state["waiting"]))["approves"]
    assert asker.state()["photos"] == 3
    asker.post("approve", show=True)
    assert asker.photos(5)["picture"]["width"] == 480
    assert not asker.operated()["waiting"]


def test_subs_are_dropped_and_put_back_as_by_the_command(page: Page, night: Night) -> None:
    _grow(night, 3)
    night.add("trailed")
    asker = Asker(page).sign_in()
    asker.operated(lambda state: bool(state["n_subs"] == 4))
    assert asker.post("drop", last=True)[1]["no"] == [3], "the last one that is in the stack"
    assert asker.post("restore", no=[4, 99])[1]["no"] == [4], "left out as trailed; 99 is none"
    assert asker.post("drop", no=[4])[0] == 409
    assert asker.post("undo")[0] == 200
    asked = [(request.kind, request.body["no"]) for request in night.journal.requests()]
    assert asked == [("drop", [3]), ("restore", [4]), ("drop", [4])]
    night.say(SessionStopped(0, "", 3, 1))
    asker.operated(lambda state: bool(state["status"]["word"] == "Finished"))
    assert asker.post("drop", last=True)[0] == 409, "nobody is there to do it"


def test_how_it_grew_is_shown_with_today_s_stretch(page: Page, night: Night) -> None:
    for n in (1, 2, 4, 7):
        moment = Moment(Picture(sky(n), 1.0, n, STACK, n, 20.0 * n, 40.0 / n**0.5), None, "founder")
        write_step(folder_of(night.session / "cache", STACK), moment)
    _grow(night, 6)
    asker = Asker(page)
    state = asker.photos(6)
    assert [step["n"] for step in state["buildup"]] == [1, 2, 4, 6], "and none that is not seen yet"
    grain, sky_level = [], []
    for step in state["buildup"]:
        status, data, _ = asker.get(f"buildup/{step['n']}.jpg?v={state['stretch']}")
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE).astype(float)
        assert (status, image.shape) == (200, (300, 480))
        grain.append(np.diff(image[:80, 20:120], axis=1).std())
        sky_level.append(np.median(image[:80, 20:120]))
    assert grain[0] > 1.2 * grain[-1]
    assert np.ptp(sky_level[1:]) < 8, "grain changes, not brightness"
    assert [one["photos"] for one in state["card"]["grain"]] == [1, 4, 6]
    patches = [asker.get(f"grain/{k}.jpg")[1] for k in range(3)]
    for data in patches:
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (125, 145, 3)
    assert asker.get("grain/3.jpg")[0] == asker.get("buildup/7.jpg")[0] == 404


def test_a_rim_that_few_subs_cover_is_cut_off_alike_everywhere(page: Page, night: Night) -> None:
    for k in range(8):
        _add(night, dx=0.0 if k < 3 else -100.0)
    step = Moment(Picture(sky(2), 1.0, 2, STACK, 2, 40.0, 20.0), None, "founder")
    write_step(folder_of(night.session / "cache", STACK), step)
    night.show(sky(8), sky(1), 8)
    asker = Asker(page)
    state = asker.photos(8)
    width, height = state["picture"]["width"], state["picture"]["height"]
    assert (width, height) == (pytest.approx(380, abs=8), 300)
    for path in (f"picture/{width}.jpg", f"one/{width}.jpg", "buildup/2.jpg", "buildup/8.jpg"):
        image = cv2.imdecode(np.frombuffer(asker.get(path)[1], np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (300, width, 3), path
    before = state["stretch"]
    _add(night, dx=0.0)
    night.show(sky(9), sky(1), 9)
    assert asker.photos(9)["stretch"] == before, "it does not jump by itself"


def test_a_field_that_turned_loses_its_corners_and_no_more(night: Night) -> None:
    _add(night, dx=0.0)
    row = fold(night.journal.follow(0)).subs[0]
    turn = cv2.getRotationMatrix2D((240, 150), 8.0, 1.0)
    turned = [replace(row, matrix=tuple(map(tuple, [*turn.tolist(), [0.0, 0.0, 1.0]]))) for _ in range(9)]
    rim = rim_of(turned, (300, 480))
    assert all(0.02 < share <= 0.25 for share in (rim.left, rim.right))
    assert rim_of([row], (300, 480)) == rim_of([], (300, 480)) == Rim()


def test_nothing_is_left_of_a_rim_and_no_wide_one_is_cut_for_it(night: Night) -> None:
    _add(night, dx=0.0)
    row = fold(night.journal.follow(0)).subs[0]
    for aside_px in (3.0, 9.0, 25.0):
        subs = [row, *(replace(row, matrix=((1.0, 0.0, aside_px), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))) for _ in range(3))]
        rim = rim_of(subs, (300, 640))
        assert aside_px <= 640 * rim.left <= aside_px + 10
        assert (rim.top, rim.bottom, rim.right) == (0.0, 0.0, 0.0)


def test_a_rim_gets_wider_as_soon_as_it_is_seen_and_narrower_only_where_much_is_won() -> None:
    assert Rim().gives_way_to(Rim(left=1 / 64))
    assert not Rim(left=1 / 64).gives_way_to(Rim())
    assert Rim(left=3 / 64).gives_way_to(Rim(left=1 / 64))
    assert Rim(left=3 / 64).gives_way_to(Rim(left=1 / 64, top=1 / 64))


def _add(night: Night, dx: float) -> None:
    """One more sub that lies aside by so many px."""
    night.no += 1
    path = f"{night.folder}/M27_{night.no:04}.fits"
    night.journal.arrive([(Identity(Path(path), 1, night.no, night.no), True)])
    if night.no == 1:
        night.found(night.stack, night.target)
    night.say(replace(night._accepted(path), matrix=[[1.0, 0.0, dx], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))


def _large(colour: bool = True) -> Array:
    """A sky with a gradient, of more px than are sent at once."""
    data = np.tile(sky(16, colour=colour), (4, 5) + (1,) * colour)[:1100, :2200]
    y, x = np.mgrid[: data.shape[0], : data.shape[1]].astype(np.float32)
    slope = 0.1 * x + 0.05 * y + 4e-5 * x * y
    return np.asarray(data + (slope[..., None] if colour else slope), np.float32)


@pytest.mark.parametrize("preset", ["auto", "nebula"])
def test_tiles_are_the_picture_and_meet_without_a_seam(tmp_path: Path, preset: str) -> None:
    picture = Picture(_large(), 1.0, 1, STACK, 16, 320.0, 10.0)
    settled = steady(None, picture, recipe_of(Look(preset, glow=0.7)))
    full = full_of(tmp_path, Seen(stack=picture, whole=picture), 1, 1)
    assert full is not None
    assert (full["width"], full["height"], full["levels"]) == (2200, 1100, 2)
    whole = shown(picture, settled).astype(float)
    for x, y in ((0, 0), (2, 1), (4, 2)):
        place = place_of(full, 1, x, y)
        assert place is not None
        data = tile(tmp_path, Seen(stack=picture, whole=picture), settled, place)
        assert data is not None
        image = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        part = whole[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
        assert image.shape == part.shape
        off = np.abs(image - part)
        assert np.median(off) <= 3
        assert abs(np.median(image - part)) <= 1.5, "as bright"
    assert place_of(full, 1, 5, 0) is place_of(full, 2, 0, 0) is place_of(full, -1, 0, 0) is None


def test_what_is_kept_smaller_than_it_is_can_be_seen_as_large(tmp_path: Path) -> None:
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / f"{STACK}.fits").touch()
    whole = Picture(np.zeros((1440, 1900), np.float32), 1.0, 1, STACK, 16, 320.0, 10.0)
    assert full_of(tmp_path, Seen(stack=whole, whole=whole), 1, 1) is None
    kept = replace(whole, data=whole.data[:1350, :1781], scale=0.9375)
    full = full_of(tmp_path, Seen(stack=kept, whole=kept), 1, 1)
    assert full is not None
    assert (full["width"], full["height"], full["levels"]) == (1900, 1440, 1)


@pytest.mark.parametrize("row_order", [None, "BOTTOM-UP"])
def test_what_a_screen_does_not_hold_is_read_from_the_stack_s_file(tmp_path: Path, row_order: str | None) -> None:
    from astropy.io import fits

    full_data = _large()
    (tmp_path / "stack").mkdir()
    primary = fits.PrimaryHDU(np.moveaxis(full_data + np.float32([600, 700, 500]), 2, 0))
    for c, level in enumerate((600.0, 700.0, 500.0)):
        primary.header[f"SKYADU{c + 1}"] = level
    primary.writeto(tmp_path / "stack" / f"{STACK}.fits")
    small = full_data.reshape(550, 2, 1100, 2, 3).mean(axis=(1, 3))
    whole_small = Picture(small, 0.5, 1, STACK, 16, 320.0, 10.0, row_order)
    rim = Rim(top=0.02, bottom=0.04, left=0.06, right=0.0)
    picture = without(whole_small, rim)
    y0, y1, x0, x1 = (2 * n for n in rim.box(550, 1100))
    settled = steady(None, picture, recipe_of(Look()))
    seen = Seen(stack=picture, whole=whole_small, rim=rim)
    full = full_of(tmp_path, seen, 1, 1)
    assert full is not None
    place = place_of(full, full["levels"] - 1, 1, 0)
    assert place is not None
    data = tile(tmp_path, seen, settled, place)
    assert data is not None
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(float)
    whole = shown(replace(picture, data=full_data[y0:y1, x0:x1], scale=1.0), settled).astype(float)[
        :TILE, TILE : 2 * TILE
    ]
    assert np.median(np.abs(image - whole)) <= 3
    assert read_part(tmp_path / "stack" / f"{STACK}.fits", slice(1000, 1200), slice(0, 10)) is None, "there is no more"
    assert tile(tmp_path / "nowhere", seen, settled, place) is None
