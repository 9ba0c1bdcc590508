"""The source, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project."""
    return ROOT


@pytest.fixture(scope="session")
def modules() -> dict[str, ast.Module]:
    """Every module of the package: path below livestack/, without .py → syntax tree."""
    package = ROOT / "livestack"
    return {
        path.relative_to(package).with_suffix("").as_posix(): ast.parse(
            path.read_text(encoding="utf-8"), filename=str(path)
        )
        for path in sorted(package.rglob("*.py"))
    }


@pytest.fixture(scope="session")
def imports_of() -> Callable[[ast.Module], set[str]]:
    """What a module imports, anywhere in it, by full names."""
    return _imported


def _imported(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names
