"""Files, functions and names stay small and plain; the public face stays narrow."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
SHORT_FUNCTION_LINES = 30
SHORT_SHARE = 0.9
MAX_PUBLIC_NAMES = 15
VAGUE = ("helper", "util", "manager", "misc", "common", "handler")
HEAVY = ("PyQt5", "PySide6", "pyqtgraph", "starlette", "uvicorn", "numba", "cv2", "astropy", "rawpy", "click")


def _functions(modules: dict[str, ast.Module]) -> dict[str, int]:
    """Lines of each function below its name or, where it has one, its docstring."""
    lengths = {}
    for name, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                described = ast.get_docstring(node) is not None
                first = node.body[0].end_lineno if described else node.lineno
                lengths[f"{name}:{node.lineno} {node.name}"] = (node.end_lineno or 0) - (first or 0)
    return lengths


def test_files_are_short(root: Path) -> None:
    """A file fits in the head."""
    files = [*root.glob("livestack/**/*.py"), *root.glob("scripts/*.py"), *root.glob("tests/**/*.py")]
    lengths = {str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert not {path: n for path, n in lengths.items() if n > MAX_FILE_LINES}


def test_functions_are_short(modules: dict[str, ast.Module]) -> None:
    """No function is long, and nine in ten are short."""
    lengths = _functions(modules)
    assert not {name: n for name, n in lengths.items() if n > MAX_FUNCTION_LINES}
    short = sum(n <= SHORT_FUNCTION_LINES for n in lengths.values())
    assert short >= SHORT_SHARE * len(lengths), {n: v for n, v in lengths.items() if v > SHORT_FUNCTION_LINES}


def test_modules_are_named_for_what_they_are(modules: dict[str, ast.Module]) -> None:
    """A vague name hides a thing not understood."""
    assert not [name for name in modules if any(word in name for word in VAGUE)]


def test_importing_livestack_is_light() -> None:
    """A fresh ``import livestack`` offers few names, each of them there, and loads no screen, server or compiler."""
    program = f"""
import json, sys, livestack
names = list(getattr(livestack, "__all__", []))
heavy = [name for name in {HEAVY!r} if name in sys.modules]
public = [n for n, v in vars(livestack).items() if n[0] != "_" and type(v).__name__ not in ("module", "_Feature")]
missing = [name for name in names if not hasattr(livestack, name)]
print(json.dumps([names, heavy, public, missing]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    names, heavy, public, missing = json.loads(done.stdout)
    assert not heavy
    assert not missing
    assert set(public) <= set(names), "a public name that __all__ does not tell"
    assert len(names) == len(set(names)) <= MAX_PUBLIC_NAMES
