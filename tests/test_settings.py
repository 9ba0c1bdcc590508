"""Settings survive a file, and each wrong value is one line that names it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livestack.develop.chain import PRESETS
from livestack.errors import SettingsError
from livestack.settings import EXISTING, PRESET, REJECT, VIEWER, WEIGHT, Processing, Settings, from_dict, from_toml

_PATHS = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12), max_size=3)
_VALID = st.fixed_dictionaries(
    {},
    optional={
        "recursive": st.booleans(), "poll_s": st.floats(0, 1e5), "settle_s": st.floats(0.05, 1e5),
        "patience_s": st.floats(1, 1e5), "existing": st.sampled_from(EXISTING), "masters": _PATHS,
        "dark": st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), "calibration": st.booleans(),
        "reject": st.sampled_from(REJECT), "weight": st.sampled_from(WEIGHT), "passes": st.sampled_from([1, 2]),
        "jobs": st.integers(0, 64), "memory_mb": st.integers(0, 10**6), "save_every_s": st.integers(1, 10**5),
        "viewer": st.sampled_from(VIEWER), "preset": st.sampled_from(PRESET), "serve": st.booleans(), "notify": _PATHS,
    },
)  # fmt: skip


@given(values=_VALID)
def test_any_settings_come_back_from_toml(values: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings().changed(values)
    path = tmp_path_factory.getbasetemp() / "settings.toml"
    path.write_text(settings.to_toml(), encoding="utf-8")
    assert from_toml(path) == settings
    assert from_dict(settings.to_dict()) == settings


def test_defaults_are_those_of_the_manual() -> None:
    settings = Settings()
    assert (settings.processing.reject, settings.processing.weight, settings.processing.existing) == (
        "deferred", "depth", "include",
    )  # fmt: skip
    assert settings.processing.calibration
    assert settings.watching.recursive
    assert settings.running.save_every_s == 60
    assert (settings.showing.viewer, settings.showing.bind) == ("auto", "127.0.0.1:8577")


def test_presets_are_those_that_there_are() -> None:
    assert tuple(PRESETS) == PRESET


def test_a_change_changes_a_copy_and_nothing_else() -> None:
    settings = Settings()
    changed = settings.changed({"reject": "sigma", "jobs": None, "masters": ["/a", "/b"]})
    assert settings == Settings()
    assert changed.processing == Processing(reject="sigma", masters=("/a", "/b"))
    assert changed.running == settings.running
    with pytest.raises(dataclasses.FrozenInstanceError):
        changed.processing.reject = "none"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"reject": "median"}, "reject: must be one of deferred, sigma, winsorised, none, not 'median'"),
        ({"weight": "heavy"}, "weight: must be one of depth, balanced, equal, not 'heavy'"),
        ({"existing": "maybe"}, "existing: must be one of include, skip, not 'maybe'"),
        (
            {"preset": "magic"},
            "preset: must be one of auto, galaxy, nebula, cluster, wide field, comet, visitors, not 'magic'",
        ),
        ({"viewer": "gtk"}, "viewer: must be one of auto, qt, none, not 'gtk'"),
        ({"passes": 3}, "passes: must be 1 or 2, not 3"),
        ({"settle_s": 0.0}, "settle_s: must be at least 0.05 seconds, not 0.0"),
        ({"settle_s": float("nan")}, "settle_s: must be at least 0.05 seconds, not nan"),
        ({"patience_s": 0.5}, "patience_s: must be at least 1.0 seconds"),
        ({"poll_s": -1.0}, "poll_s: must be at least 0.0 seconds"),
        ({"save_every_s": float("inf")}, "save_every_s: must be at least 1.0 seconds, not inf"),
        ({"jobs": -1}, "jobs: must be from 1 to 64, not -1"),
        ({"jobs": 65}, "jobs: must be from 1 to 64, not 65"),
        ({"jobs": 1.5}, "jobs: 1.5 is not of the right kind"),
        ({"jobs": True}, "jobs: True is not of the right kind"),
        ({"memory_mb": -5}, "memory: must be positive, not -5 MB"),
        ({"recursive": "yes"}, "recursive: 'yes' is not of the right kind"),
        ({"dark": 7}, "dark: 7 is not of the right kind"),
        ({"masters": "/a"}, "masters: '/a' is not of the right kind"),
        ({"masters": [1, 2]}, "masters: must be a list of texts"),
        ({"rejct": "sigma"}, "settings: there is no option 'rejct'"),
    ],
)
def test_each_wrong_value_is_one_line(values: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings().changed(values)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[processing]\nreject = 'sigma'\n[cooking]\nx = 1", "settings: there is no group [cooking]"),
        ("processing = 3", "settings: there is no group [processing]"),
        ("[watching]\nreject = 'sigma'", "settings: reject does not belong in [watching]"),
        ("[processing]\nreject = ", "settings file "),
        ("[processing]\npasses = '2'", "passes: '2' is not of the right kind"),
    ],
)
def test_a_wrong_file_is_one_line(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        from_toml(path)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"[processing]\ndark = '\xe9'")
    for path in (tmp_path / "nothing.toml", tmp_path, tmp_path / "latin.toml"):
        with pytest.raises(SettingsError, match=r"^settings file .+ cannot be read: [^\n]+$"):
            from_toml(path)
