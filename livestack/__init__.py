"""A live stacker for deep-sky pictures: watch a folder, and the stack grows out of the noise.

The names below are the library's front door; each is loaded when it is first used.
"""

from __future__ import annotations

import importlib as _importlib
import typing as _typing

if _typing.TYPE_CHECKING:
    from livestack.errors import FrameError, LivestackError
    from livestack.frame import Frame, Header, Masters, Picture
    from livestack.journal import Journal
    from livestack.read import open_frame
    from livestack.reduce.fold import fold
    from livestack.reduce.measure import measure
    from livestack.reduce.register import register
    from livestack.settings import Settings
    from livestack.stack import Stack

__all__ = [
    "Frame",
    "FrameError",
    "Header",
    "Journal",
    "LivestackError",
    "Masters",
    "Picture",
    "Settings",
    "Stack",
    "fold",
    "measure",
    "open_frame",
    "register",
]

_MODULES = {
    "Frame": "frame",
    "FrameError": "errors",
    "Header": "frame",
    "Journal": "journal",
    "LivestackError": "errors",
    "Masters": "frame",
    "Picture": "frame",
    "Settings": "settings",
    "Stack": "stack",
    "fold": "reduce.fold",
    "measure": "reduce.measure",
    "open_frame": "read",
    "register": "reduce.register",
}


def __getattr__(name: str) -> _typing.Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'livestack' has no attribute {name!r}")
    return getattr(_importlib.import_module(f"livestack.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
