"""The lock files are made from pyproject.toml, and name packages and hashes only."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Environment, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

MACHINES = [
    {"sys_platform": system, "platform_machine": machine, "os_name": os_name, "platform_system": name}
    for system, machine, os_name, name in (
        ("linux", "x86_64", "posix", "Linux"),
        ("linux", "aarch64", "posix", "Linux"),
        ("win32", "AMD64", "nt", "Windows"),
        ("darwin", "arm64", "posix", "Darwin"),
    )
]
PYTHONS = ("3.11", "3.12", "3.13")


def _locked(root: Path, name: str) -> list[Requirement]:
    text = (root / name).read_text(encoding="utf-8").replace("\\\n", " ")
    return [Requirement(line.split("--hash")[0].strip()) for line in text.splitlines()]


def _asked(root: Path, name: str) -> list[Requirement]:
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    lines = project["project"]["dependencies"] + project["dependency-groups"]["build"]
    if name == "requirements-test.lock":
        lines += [line for line in project["dependency-groups"]["test"] if isinstance(line, str)]
        lines += [line for extra in project["project"]["optional-dependencies"].values() for line in extra]
    return [Requirement(line) for line in lines]


def _environments() -> list[Environment]:
    here = default_environment()
    return [
        Environment(**{**here, **machine, "python_version": python, "python_full_version": f"{python}.0"})  # type: ignore[typeddict-item]
        for machine in MACHINES
        for python in PYTHONS
    ]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_lock_satisfies_pyproject(name: str, root: Path) -> None:
    """On every supported machine and Python, each dependency is locked once, at a version that is asked for."""
    locked = _locked(root, name)
    for environment in _environments():
        here = [lock for lock in locked if lock.marker is None or lock.marker.evaluate(environment)]
        versions = {canonicalize_name(lock.name): str(lock.specifier).removeprefix("==") for lock in here}
        assert len(versions) == len(here), "a package is locked twice for one machine"
        for asked in _asked(root, name):
            if asked.marker is None or asked.marker.evaluate(environment):
                assert asked.specifier.contains(versions[canonicalize_name(asked.name)]), f"{asked} in {environment}"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_lock_names_packages_and_hashes_only(name: str, root: Path) -> None:
    """Whoever installs chooses the registry, and gets the very same files."""
    text = (root / name).read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; [^:/]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", line), line


def test_test_lock_holds_the_run_time_lock(root: Path) -> None:
    """Tests run on the very versions users get."""
    tested = {(lock.name, str(lock.specifier)) for lock in _locked(root, "requirements-test.lock")}
    assert {(lock.name, str(lock.specifier)) for lock in _locked(root, "requirements.lock")} <= tested
