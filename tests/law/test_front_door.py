"""What a newcomer meets: the README, the two commands, the versions they ask for."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.specifiers import SpecifierSet

from livestack.commands import doctor


@pytest.fixture(scope="module")
def bootstrap(root: Path) -> ModuleType:
    """The set-up script, loaded as a module."""
    spec = importlib.util.spec_from_file_location("bootstrap", root / "scripts" / "bootstrap.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_readme_tells_every_command(root: Path) -> None:
    """Every command of the command line is in the README's table."""
    cli = pytest.importorskip("livestack.commands.cli", reason="no command line yet")
    click = pytest.importorskip("click")
    table = re.findall(r"^\| `(\w+)", (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    commands = cli.main.list_commands(click.Context(cli.main))
    assert commands
    assert set(commands) <= set(table)


def test_one_band_of_pythons(root: Path, bootstrap: ModuleType) -> None:
    """pyproject.toml, the set-up and the doctor ask for the same versions."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    asked = SpecifierSet(project["project"]["requires-python"])
    band = sorted((3, minor) for minor in range(6, 30) if f"3.{minor}.0" in asked)
    assert band == sorted(bootstrap.SUPPORTED)
    assert (band[0], band[-1]) == doctor.PYTHONS


def test_one_list_of_window_libraries(bootstrap: ModuleType) -> None:
    """The set-up installs what the doctor advises."""
    assert doctor.WINDOW_PACKAGES.split() == bootstrap.WINDOW_PACKAGES


def test_set_up_reads_what_went_wrong(bootstrap: ModuleType) -> None:
    """Each kind of failure becomes one line that says what to do."""
    explained = {
        "[Errno -3] Temporary failure in name resolution\nERROR: No matching distribution": "no network",
        "OSError: [Errno 28] No space left on device": "the disk is full",
        "SSLError: certificate verify failed": "certificate",
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\nmore": "THESE PACKAGES DO NOT MATCH THE HASHES",
    }
    for output, telling in explained.items():
        sentence = bootstrap._explain(output, "the packages could not be installed")
        assert telling in sentence and "\n" not in sentence


def test_set_up_finds_this_python_or_a_better_one(bootstrap: ModuleType) -> None:
    """The first found can make an environment of a supported version."""
    found = bootstrap.find_pythons()
    assert found
    program = "import sys; print(sys.version_info[:2])"
    done = subprocess.run([found[0], "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(tuple(sys.version_info[:2]))


def test_set_up_leaves_byte_code(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where Python itself may write none, and beside sources that are no Python of today."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
    (tmp_path / "good.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "old.py").write_text("print 1\n", encoding="utf-8")
    bootstrap.compile_sources([tmp_path])
    assert [file.name for file in tmp_path.rglob("*.pyc")] == [f"good.{sys.implementation.cache_tag}.pyc"]


def test_set_up_keeps_its_own_flag(bootstrap: ModuleType) -> None:
    """--install-system is the script's; everything else goes on in order."""
    arguments = ["--install-system", "watch", "a b", "--json"]
    assert bootstrap.take_flag(arguments, "--install-system")
    assert arguments == ["watch", "a b", "--json"]
    assert not bootstrap.take_flag(arguments, "--fast")
