"""A session's decisions: which stack a sub goes to, what is left out, and that masters and looks are in order."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from livestack.events import (
    Looked,
    MastersBuilt,
    MastersMatched,
    MeridianFlip,
    ReferenceChosen,
    StackFounded,
    SubAccepted,
    SubRejected,
)
from livestack.frame import Header
from livestack.simulate import Night
from livestack.stacks.prepare import Prepared, identity_of, prepare
from livestack.stacks.refold import refold
from livestack.stacks.verdicts import stack_name
from tests.nights import QUIET, Told, bits, expose, grid_error, lights, take

NAME = QUIET.target


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Fourteen lights in which nothing happens."""
    return take(tmp_path_factory.mktemp("quiet") / "captures")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five lights of other stars under the same name."""
    return take(tmp_path_factory.mktemp("elsewhere") / "captures", seed=77, n_lights=5)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path / "session")


def test_a_quiet_night_is_one_stack(told: Told, night: list[Path]) -> None:
    told.see(*night)
    assert told.reasons() == [""] * 14
    kinds = [type(event) for event in told.events()]
    assert kinds[:4] == [StackFounded, MastersMatched, ReferenceChosen, SubAccepted]
    looks = told.events(Looked)
    assert [(look.n_subs, look.final) for look in looks] == [(4, False), (6, False), (8, False), (12, True)]
    growth = told.stack()
    assert growth.shown().n_subs == 14
    assert growth.shown().exposure_s == 14 * QUIET.exposure_s
    assert told.session.tally.n_accepted == 14
    assert told.journal.rows("SELECT stack, n_subs FROM stack") == [{"stack": NAME, "n_subs": 14}]


def test_subs_read_before_there_is_a_stack_are_stacked_alike(told: Told, tmp_path: Path, night: list[Path]) -> None:
    told.see(*night[:4])
    early = Told(tmp_path / "early")
    read = [prepare(no, identity_of(path), early.session.masters_of) for no, path in enumerate(night[:4], 1)]
    assert all(isinstance(item, Prepared) and item.stars is None for item in read)
    for item in read:
        early.session.integrate(item)
        early.restacks.look_if_due()
    assert early.reasons() == [""] * 4
    assert early.state() == told.state()


def test_subs_read_before_there_is_a_stack_can_wait_for_another(
    told: Told, night: list[Path], elsewhere: list[Path]
) -> None:
    files = [night[0], *elsewhere]
    for item in [prepare(no, identity_of(path), told.session.masters_of) for no, path in enumerate(files, 1)]:
        told.session.integrate(item)
        told.restacks.look_if_due()
    assert [len(growth.subs) for growth in told.session.growths()] == [5]


def test_a_stack_is_the_same_bits_with_the_cells_that_subs_keep_for_their_guide(tmp_path: Path) -> None:
    files = take(tmp_path / "captures", cfa="RGGB", size=(256, 320), n_stars=300, n_satellites=2, hot_fraction=1e-4)
    plain, kept = Told(tmp_path / "plain").see(*files), Told(tmp_path / "kept")
    for no, path in enumerate(files, 1):
        item = prepare(no, identity_of(path), kept.session.masters_of, cells=True)
        assert isinstance(item, Prepared)
        kept.session.integrate(item)
        taken = item.cells is not None and item.cells.plane is None
        assert taken == (no > 4), "a guide takes them, and there is one from the first look on"
        kept.restacks.look_if_due()
    assert kept.stack().knowledge.defects.size, "hot px that no dark knows"
    same = kept.state() == plain.state()
    assert same


def test_figures_of_each_sub_are_the_truth(told: Told, night: list[Path]) -> None:
    """Pose to a fifth of a px anywhere on the frame, transparency to 4 %."""
    told.see(*night[:8])
    truth = Night(QUIET)
    for no, sub in enumerate(told.events(SubAccepted)):
        assert isinstance(sub, SubAccepted)
        assert grid_error(sub.matrix, truth.truth(no).matrix, QUIET.size) < 0.2
        assert sub.scale == pytest.approx(truth.truth(no).transparency / truth.truth(0).transparency, rel=0.04)
        assert sub.quality["transparency"] == sub.scale
        assert sub.weight == pytest.approx(1, abs=0.15)
        assert sub.quality["fwhm_px"] == pytest.approx(truth.truth(no).fwhm_px, rel=0.12)
        assert sub.exposure_s == QUIET.exposure_s
        assert sub.time_utc is not None


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_noise_falls_with_the_number_of_subs(cfa: str | None, tmp_path: Path) -> None:
    told = Told(tmp_path / "session").see(*take(tmp_path / "captures", cfa=cfa, n_lights=12, n_stars=160))
    growth = told.stack()
    assert growth.founding.shape == (3 if cfa else 1, *QUIET.size)
    inner = np.s_[:, 12:-12, 12:-12]
    sums = growth.shown().result()
    one = np.array([sub.quality["noise_adu"] for sub in growth.subs])
    claimed = np.nanmedian(sums.stderr[inner], axis=(1, 2))
    expected = np.sqrt(np.mean(one**2) / 12)
    # interpolation smooths: a debayered and warped sample has 0.6 to 1 of the noise of a px
    assert (claimed < 1.05 * expected).all()
    assert (claimed > 0.5 * expected).all()
    np.testing.assert_allclose(
        np.sqrt(sums.variance / np.maximum(sums.coverage, 1))[inner], sums.stderr[inner], rtol=1e-5
    )


def test_a_bad_first_sub_costs_three_subs_not_a_night(told: Told, night: list[Path], elsewhere: list[Path]) -> None:
    told.see(elsewhere[0], *night[:3])
    assert told.reasons() == ["not_registered", "", "", ""]
    second = told.events(StackFounded)[1]
    assert isinstance(second, StackFounded)
    assert (second.stack, second.replaces, second.no) == (NAME, NAME, 2)
    assert [sub.no for sub in told.stack().subs] == [2, 3, 4]
    last = told.events(SubRejected)[-1]
    assert isinstance(last, SubRejected)
    assert last.no == 1
    told.see(*night[3:7])
    assert told.session.tally.n_accepted == 7
    fresh = Told(told.home.parent / "fresh").see(*night[:7])
    assert bits(fresh.stack()) == bits(told.stack()), "as if the bad one had never been"


def test_a_good_stack_is_not_replaced(told: Told, night: list[Path], elsewhere: list[Path]) -> None:
    """Three subs of another field under the same name found a second stack; both go on."""
    told.see(*night[:4], *elsewhere[:3], night[4], elsewhere[3])
    assert told.reasons() == [""] * 9
    assert [sub.no for sub in told.stack().subs] == [1, 2, 3, 4, 8]
    assert [sub.no for sub in told.stack(f"{NAME}_2").subs] == [5, 6, 7, 9]
    founded = told.events(StackFounded)[-1]
    assert isinstance(founded, StackFounded)
    assert founded.replaces is None


def test_lone_subs_that_fit_nothing_are_left_out_in_words(told: Told, night: list[Path], elsewhere: list[Path]) -> None:
    told.see(*night[:4], elsewhere[0], *night[4:6], elsewhere[1])
    assert told.reasons() == ["", "", "", "", "not_registered", "", "", "not_registered"]
    word = told.events(SubRejected)[0]
    assert isinstance(word, SubRejected)
    assert word.stack == NAME
    assert word.quality is not None
    assert word.sentence.startswith("It does not fit the stack:")
    assert word.sentence.endswith("Another target, cloud or a bump?")
    assert told.session.tally.n_rejected[NAME] == 2


def test_counts_agree_with_the_last_word_on_each_sub(told: Told, night: list[Path], elsewhere: list[Path]) -> None:
    """Subs that waited and then founded a stack are in it, not left out; the one that gave way is left out."""
    told.see(elsewhere[0], *night[:3])
    assert told.session.tally.n_accepted == told.reasons().count("") == 3
    assert sum(told.session.tally.n_rejected.values()) == 1


def test_a_copy_is_a_duplicate(told: Told, night: list[Path], tmp_path: Path) -> None:
    copy = Path(shutil.copy2(night[1], tmp_path / "copy.fits"))
    told.see(*night[:3], copy, night[3])
    assert told.said()[3] == ("copy.fits", "duplicate")
    word = told.events(SubRejected)[0]
    assert isinstance(word, SubRejected)
    assert night[1].name in word.sentence
    assert told.stack().shown().n_subs == 4


def test_the_same_file_again_is_nothing_new(told: Told, night: list[Path]) -> None:
    told.see(*night[:3])
    n = len(told.records)
    told.see(night[1], night[2])
    assert len(told.records) == n


def test_a_file_gone_before_a_look_is_left_out(told: Told, night: list[Path], tmp_path: Path) -> None:
    copies = [Path(shutil.copy2(path, tmp_path / path.name)) for path in night]
    told.see(*copies[:3])
    copies[1].unlink()
    told.see(copies[3])
    assert told.reasons() == ["", "vanished", "", ""]
    assert told.events(Looked) == []
    assert [sub.no for sub in told.stack().subs] == [1, 3, 4]
    told.see(*copies[4:9])
    assert told.session.tally.n_accepted == 8
    again, _ = refold(told.stack(), told.stack().subs)
    assert bits(again) == bits(told.stack())


def test_a_file_written_over_before_a_look_is_left_out(told: Told, night: list[Path], tmp_path: Path) -> None:
    copies = [Path(shutil.copy2(path, tmp_path / path.name)) for path in night[:4]]
    told.see(*copies[:3])
    shutil.copy2(night[9], copies[2])
    told.see(copies[3])
    assert told.reasons() == ["", "", "vanished", ""]


def test_a_file_that_fails_within_a_look_is_left_out(told: Told, night: list[Path], tmp_path: Path) -> None:
    """It looks as it was, and cannot be read any more: what was folded before it in the look is not lost."""
    copies = [Path(shutil.copy2(path, tmp_path / path.name)) for path in night[:4]]
    told.see(*copies[:3])
    kept = copies[2].stat()
    copies[2].write_bytes(bytes(kept.st_size))
    os.utime(copies[2], ns=(kept.st_atime_ns, kept.st_mtime_ns))
    told.see(copies[3])
    assert told.reasons() == ["", "", "vanished", ""]
    again, _ = refold(told.stack(), told.stack().subs)
    assert bits(again) == bits(told.stack())


def test_a_touched_file_is_still_itself(told: Told, night: list[Path], tmp_path: Path) -> None:
    copies = [Path(shutil.copy2(path, tmp_path / path.name)) for path in night[:4]]
    told.see(*copies[:3])
    copies[1].touch()
    told.see(copies[3])
    assert told.reasons() == [""] * 4
    assert len(told.events(Looked)) == 1


@pytest.mark.parametrize(
    ("what", "changes", "keywords", "name"),
    [
        ("target", {}, {"OBJECT": "M 31"}, "M 31"),
        ("filter", {}, {"FILTER": "Ha"}, f"{NAME}_Ha"),
        ("camera", {}, {"INSTRUME": "Other 2M"}, f"{NAME}_2"),
        ("binning", {}, {"XBINNING": 2, "YBINNING": 2}, f"{NAME}_2"),
        ("size", {"size": (180, 200)}, {}, f"{NAME}_2"),
        ("colour", {"cfa": "RGGB"}, {}, f"{NAME}_2"),
    ],
)
def test_what_makes_another_stack(
    what: str, changes: dict[str, object], keywords: dict[str, str | int | float], name: str,
    told: Told, night: list[Path], tmp_path: Path,
) -> None:  # fmt: skip
    told.see(*night[:2], expose(tmp_path / f"{what}.fits", keywords=keywords, **changes), night[2])
    assert told.reasons() == [""] * 4
    assert [sub.no for sub in told.stack().subs] == [1, 2, 4]
    assert [sub.no for sub in told.stack(name).subs] == [3]


def test_exposures_and_spellings_join_one_stack(told: Told, night: list[Path], tmp_path: Path) -> None:
    long = expose(tmp_path / "long.fits", 1, exposure_s=240.0)
    spelled = expose(tmp_path / "spelled.fits", 2, keywords={"OBJECT": "demo  GALAXY"})
    told.see(night[0], long, spelled)
    assert told.reasons() == [""] * 3
    first, second, _ = told.stack().subs
    assert second.scale / first.scale == pytest.approx(4, rel=0.05)
    assert second.weight == pytest.approx(4, rel=0.25), "four times the light, twice the noise"
    assert told.stack().shown().exposure_s == 240 + 2 * QUIET.exposure_s
    star = told.stack().knowledge.stars[0]
    assert told.stack().shown().mean[0].max() < 3 * star["peak"], "on the founding sub's scale"


def test_a_meridian_flip_is_told_once_and_stacked(tmp_path: Path) -> None:
    told = Told(tmp_path / "session").see(*take(tmp_path / "captures", n_lights=6, flip_at=3))
    assert told.reasons() == [""] * 6
    (flip,) = told.events(MeridianFlip)
    assert isinstance(flip, MeridianFlip)
    assert flip.no == 4
    assert abs(abs(flip.rotation_deg) - 180) < 1
    turned = [sub.registration["meridian_flip"] for sub in told.stack().subs]
    assert turned == [False] * 3 + [True] * 3


def test_clouds_and_wind_are_left_out_and_the_night_goes_on(tmp_path: Path) -> None:
    captures = take(tmp_path / "captures", n_lights=9, cloud_subs=(3, 4, 5), trailed_at=7, n_stars=400)
    told = Told(tmp_path / "session").see(*captures)
    reasons = told.reasons()
    assert reasons[4] in ("clouded", "too_few_stars", "not_registered")
    assert reasons[7] in ("trailed", "not_registered")
    assert [reasons[k] for k in (0, 1, 2, 6, 8)] == [""] * 5
    for word in told.events(SubRejected):
        assert isinstance(word, SubRejected)
        assert any(character.isdigit() for character in word.sentence), word.sentence


def test_a_sub_under_thin_cloud_counts_less(tmp_path: Path) -> None:
    night = Night(dataclasses.replace(QUIET, n_lights=9, cloud_subs=tuple(range(1, 8)), n_stars=400))
    told = Told(tmp_path / "session").see(
        *take(tmp_path / "captures", n_lights=9, cloud_subs=tuple(range(1, 8)), n_stars=400)
    )
    subs = told.stack().subs
    assert [sub.no for sub in subs] == [1, 2, 3, 7, 8, 9], "the thickest are left out, the rest is in"
    for sub in subs:
        t = night.truth(sub.no - 1).transparency / night.truth(0).transparency
        # some twenty stars, close together, in other seeing
        assert sub.scale == pytest.approx(t, rel=0.06)
        if t < 0.8:
            assert sub.weight < 0.85 * t**1.5


def test_files_that_are_no_subs_are_left_out_in_words(told: Told, night: list[Path], tmp_path: Path) -> None:
    torn, text, dark = tmp_path / "torn.fits", tmp_path / "text.fits", tmp_path / "black.fits"
    torn.write_bytes(night[1].read_bytes()[: night[1].stat().st_size * 2 // 3])
    text.write_text("not a picture")
    expose(dark, n_stars=0)
    told.see(torn, text, dark, *night[:2])
    assert told.reasons()[:2] == ["truncated", "unreadable"]
    assert told.reasons()[2] == "too_few_stars"
    assert told.reasons()[3:] == ["", ""]
    assert [sub.no for sub in told.stack().subs] == [4, 5]


def test_calibration_frames_in_the_folder_are_used(tmp_path: Path) -> None:
    """Bias, darks and flats that came before the first light: the stack is made with them, and looks it."""
    options = {"n_bias": 6, "n_darks": 6, "n_flats": 6, "n_lights": 5, "hot_fraction": 3e-3, "dither_px": 0.0}
    take(tmp_path / "captures", **options)
    frames = sorted((tmp_path / "captures").rglob("*.fits"), key=lambda p: ("LIGHT" in p.parts, p.name))
    told = Told(tmp_path / "session").see(*frames)
    assert told.reasons() == [""] * 5
    assert [(event.kind, event.n_frames) for event in told.events(MastersBuilt)] == [
        ("bias", 6),
        ("dark", 6),
        ("flat", 6),
    ]
    (matched,) = told.events(MastersMatched)
    assert isinstance(matched, MastersMatched)
    assert matched.missing == []
    assert {Path(path).parent.name for path in matched.dark} == {"DARK"}
    assert set(told.stack().founding.masters.provenance) == {"bias", "dark", "flat"}
    plain = Told(tmp_path / "plain", calibration=False, reject="none").see(*lights(tmp_path / "captures"))
    assert plain.stack().founding.masters.provenance == {}
    shown, raw = (t.stack().shown().mean[0, 10:-10, 10:-10] for t in (told, plain))
    hot = Night(dataclasses.replace(QUIET, **options)).sensor.dark_e_per_s[10:-10, 10:-10] > 3
    assert np.median(raw[hot]) > 10 * abs(np.median(shown[hot]))


def test_lights_before_their_darks_are_stacked_without(tmp_path: Path) -> None:
    """A stack keeps for good what it was founded with; the next one takes what has come since."""
    take(tmp_path / "captures", n_darks=2, n_lights=3)
    darks = sorted((tmp_path / "captures" / "DARK").glob("*.fits"))
    night = lights(tmp_path / "captures")
    told = Told(tmp_path / "session").see(
        night[0], *darks, night[1], expose(tmp_path / "ha.fits", keywords={"FILTER": "Ha"})
    )
    first, second = told.events(MastersMatched)
    assert isinstance(first, MastersMatched)
    assert isinstance(second, MastersMatched)
    assert first.dark == []
    assert len(second.dark) == 2
    assert told.stack().founding.masters.pedestal is None


@pytest.mark.parametrize("reject", ["sigma", "winsorised", "none"])
def test_other_rejections_and_weights_run(reject: str, night: list[Path], tmp_path: Path) -> None:
    told = Told(tmp_path / "session", reject=reject, weight="equal").see(*night[:7])
    assert told.reasons() == [""] * 7
    assert told.events(Looked) == []
    assert {sub.weight for sub in told.stack().subs} == {1.0}
    assert told.stack().shown().n_subs == 7


@pytest.mark.parametrize(
    ("target", "filter_name", "name"),
    [
        ("NGC 7000/IC 5070", None, "NGC 7000 IC 5070"),
        ("../../etc", "Hα", "etc_Hα"),
        (None, "L", "light_L"),
        ("con", None, "con_"),
        ("銀河" * 100, "é" * 100, f"{'銀河' * 16}銀_{'é' * 50}"),
    ],
)
def test_a_name_that_every_disk_takes(target: str | None, filter_name: str | None, name: str) -> None:
    header = Header(Path("a.fits"), (4, 4), target=target, filter=filter_name)
    assert stack_name(header) == name
    assert len(f".{name}.fits.tmp".encode()) <= 255
