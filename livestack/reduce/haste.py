"""What numba does at every step of compiling and nobody here looks at, left out: an eighth of the time.

It is for processes that do nothing but compile: there nobody measures compiling, hands kernels to C or reads errors.
"""

from __future__ import annotations

import gc
from typing import Any

import numba
from llvmlite.binding import ffi
from numba.core import errors
from numba.core.compiler import Flags
from numba.core.targetconfig import TargetConfig

from livestack.reduce.parts import KNOWN


def _values(config: Any) -> dict[str, Any]:
    """Return all options of how a function is compiled, which numba compares at each call in each function."""
    return {**_DEFAULTS[type(config)], **config._values}


class _Defaults(dict[type, dict[str, Any]]):
    def __missing__(self, kind: Any) -> dict[str, Any]:
        found = self[kind] = {name: option.default for name, option in kind.options.items()}
        return found


_DEFAULTS = _Defaults()


def compile_in_haste() -> None:
    """Spare what need not be in this process, for good; with another numba than this was made for nothing but garbage.

    Hardly anything that is made is let go before the end.
    """
    gc.disable()
    if not numba.__version__.startswith(KNOWN):
        return
    # who holds LLVM's lock is told to nobody
    ffi.lib._lock._cblist.clear()
    # templates that do not fit are errors, which are coloured
    errors.HighlightColorScheme._markup = lambda _, message, *__: message  # type: ignore[attr-defined]
    Flags.options["no_cfunc_wrapper"]._default = True
    TargetConfig.values = _values  # type: ignore[method-assign]
