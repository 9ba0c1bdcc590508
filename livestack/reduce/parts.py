"""Parts of kernels are not made into machine code: only what Python calls is, with all of its parts in it.

numba optimises each function that a kernel calls by itself, translates it and wraps it for Python, and then once more
inside each kernel that calls it. Here a function without a wrapper stays as it was typed until a kernel takes it in:
then all is optimised at once.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numba
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.environment import lookup_environment

KNOWN = "0.68."
"""Versions of numba whose inner workings these are."""
_WRAPPER, _ENVIRONMENT = "_ZN7cpython", "_ZN08NumbaEnv"


@ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
def _refuse(*_: Any) -> Any:
    """Stand in Python's place for a part."""
    raise TypeError("this is a part of kernels, which Python cannot call: its options must be OPTIONS")


_NO_CODE = ctypes.cast(_refuse, ctypes.c_void_p).value


class _Library(JITCodeLibrary):
    """What one function is compiled to."""

    _has_code = False

    @property
    def _is_part(self) -> bool:
        if self._has_code or getattr(self, "_compiled_object", None):
            return False
        return not any(f.name.startswith(_WRAPPER) for f in self._final_module.functions if not f.is_declaration)

    def _optimize_functions(self, module: Any) -> None:
        module.data_layout = self._codegen._data_layout
        for function in module.functions:
            if not function.is_declaration:  # most are, and for each numba would make all passes anew
                passes, builder = self._codegen._function_pass_manager()  # type: ignore[no-untyped-call]
                passes.run(function, builder)

    def _optimize_final_module(self) -> None:
        if not self._is_part:
            super()._optimize_final_module()  # type: ignore[no-untyped-call]

    def _finalize_final_module(self) -> None:
        if self._is_part:
            self._finalize_dynamic_globals()  # type: ignore[no-untyped-call]
            self._verify_declare_only_symbols()  # type: ignore[no-untyped-call]
            self._finalized = True
        else:
            self._make_code()

    def _make_code(self) -> None:
        if self._has_code:
            return
        self._has_code = True
        super()._finalize_final_module()  # type: ignore[no-untyped-call]
        for name in [g.name for g in self._final_module.global_variables if g.name.startswith(_ENVIRONMENT)]:
            environment = lookup_environment(name)  # type: ignore[no-untyped-call]
            if environment is not None:
                self._codegen.set_env(name, environment)  # type: ignore[attr-defined]

    def get_pointer_to_function(self, name: str) -> Any:
        """Address of a function of the library."""
        self._ensure_finalized()  # type: ignore[no-untyped-call]
        if self._is_part and name.startswith(_WRAPPER):
            return _NO_CODE
        self._make_code()
        return super().get_pointer_to_function(name)  # type: ignore[no-untyped-call]

    def serialize_using_object_code(self) -> Any:
        """Return what is kept of it: of a part only what a kernel takes in."""
        kept = super().serialize_using_object_code if self._has_code else self.serialize_using_bitcode
        return kept()  # type: ignore[no-untyped-call]


_set_env = JITCPUCodegen.set_env


def _set_env_of_code(codegen: Any, name: str, environment: Any) -> None:
    """Tell the code of a function its environment, where it has code."""
    if codegen._engine.is_symbol_defined(name):
        _set_env(codegen, name, environment)  # type: ignore[no-untyped-call]


def take_parts_as_they_are() -> None:
    """Let numba compile so, in this process; another numba than this was made for compiles as it always does."""
    if not numba.__version__.startswith(KNOWN):
        return
    JITCPUCodegen.set_env = _set_env_of_code  # type: ignore[method-assign]
    JITCPUCodegen._library_class = _Library
