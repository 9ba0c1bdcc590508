"""Each third-party package has one door; the layers are import-linter's business."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

Imports = Callable[[ast.Module], set[str]]

DOORS = {
    # package → modules below livestack/ that may import it
    "PyQt5": (),
    "PySide6": (),
    "pyqtgraph": ("show/qt/*",),
    "rawpy": ("read/raw*",),
    "xisf": (),
    "cramjam": ("read/xisf*",),
    "zstandard": ("read/xisf*",),
    "astropy": ("read/fits*", "product", "sky/*", "simulate/*"),
    "tifffile": ("read/image*", "read/raw*", "develop/export*", "simulate/*"),
    "PIL": ("read/image*", "develop/export*", "show/*"),
    "watchdog": ("watch/folder*",),
    "astroalign": ("reduce/register*",),
    "skimage": (),
    "sep": ("reduce/*", "sky/*"),
    "numba": ("reduce/*", "develop/*", "simulate/*"),
    "starlette": ("show/web/*",),
    "uvicorn": ("show/web/*",),
    "websockets": ("show/web/*",),
    "segno": ("show/*", "commands/cli*"),
    "apprise": ("show/monitor/notify*",),
    "click": ("commands/cli*",),
    "rich": ("show/progress",),
    "dask": ("engine/restack*",),
    "distributed": ("engine/restack*",),
}


@pytest.mark.parametrize("package", DOORS)
def test_one_door(package: str, modules: dict[str, ast.Module], imports_of: Imports) -> None:
    """A package is imported only where its door is."""
    strangers = [
        name
        for name, tree in modules.items()
        if any(path.split(".")[0] == package for path in imports_of(tree))
        and not any(fnmatchcase(name, door) for door in DOORS[package])
    ]
    assert not strangers, f"{package} belongs in {DOORS[package] or 'no module'}"


def test_fits_files_pass_one_reader_and_one_writer(modules: dict[str, ast.Module], imports_of: Imports) -> None:
    """Every frame is opened in read/fits and written in product, or by the synthetic camera."""
    users = {name for name, tree in modules.items() if any(n.startswith("astropy.io") for n in imports_of(tree))}
    assert {name for name in users if not name.startswith("simulate/")} <= {"read/fits", "product", "sky/colours"}


def test_import_contracts(root: Path) -> None:
    """The layers of the house hold."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*command, "--no-cache", "--no-logo"], check=False, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " kept, 0 broken" in done.stdout


def test_scripts_stand_alone(root: Path, imports_of: Imports) -> None:
    """The two commands run on a bare Python: only the standard library and one another."""
    for name in ("bootstrap", "livestack", "test"):
        tree = ast.parse((root / "scripts" / f"{name}.py").read_text(encoding="utf-8"), feature_version=(3, 6))
        roots = {path.split(".")[0] for path in imports_of(tree)}
        assert roots <= sys.stdlib_module_names | {"bootstrap"}, name
