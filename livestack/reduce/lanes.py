"""Sixteen samples at a time, written as vectors: a compiler unrolls so short a loop instead of making it one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 16
"""As many float32 as the widest vector holds; machines with narrower ones take several."""

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_INDEX = ir.IntType(32)
_INDICES = ir.VectorType(_INDEX, LANES)
_ROUNDING = ("contract", "nsz", "arcp")


def _constant(*values: float) -> ir.Constant:
    return ir.Constant(_VECTOR, [float(value) for value in values] * (LANES // len(values)))


class Lanes:
    """A vector of a kernel that is being built: what is done with it becomes code."""

    __array_ufunc__ = None

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def _with(self, operation: str, one: Any, other: Any) -> Lanes:
        pair = [each.value if isinstance(each, Lanes) else _constant(each) for each in (one, other)]
        return Lanes(self.builder, getattr(self.builder, operation)(*pair, flags=_ROUNDING))

    def __add__(self, other: Any) -> Lanes:
        return self._with("fadd", self, other)

    def __radd__(self, other: Any) -> Lanes:
        return self._with("fadd", other, self)

    def __sub__(self, other: Any) -> Lanes:
        return self._with("fsub", self, other)

    def __rsub__(self, other: Any) -> Lanes:
        return self._with("fsub", other, self)

    def __mul__(self, other: Any) -> Lanes:
        return self._with("fmul", self, other)

    def __rmul__(self, other: Any) -> Lanes:
        return self._with("fmul", other, self)

    def compared(self, how: str, other: float) -> Any:
        """Return a mask of the lanes that compare so with a number."""
        return self.builder.fcmp_ordered(how, self.value, _constant(other))

    def where(self, mask: Any, other: Lanes) -> Lanes:
        """Take these lanes where the mask is set, the other's elsewhere."""
        return Lanes(self.builder, self.builder.select(mask, self.value, other.value))

    def whole(self) -> Lanes:
        """Return the integer part of each lane, none of which is below 0."""
        return Lanes(self.builder, self.builder.sitofp(self.builder.fptosi(self.value, _INDICES), _VECTOR))


def _splat(builder: Any, number: Any) -> Lanes:
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.Constant(_INDEX, 0))
    return Lanes(builder, builder.shuffle_vector(one, one, ir.Constant(_INDICES, [0] * LANES)))


def _weight(weights: tuple[Lanes, ...], spread: int, tap: int, lies_past: list[Any]) -> tuple[Lanes, Any]:
    """Weight of a tap for lanes that lie past px 0 … spread, and the lanes that need it (None = all of them)."""
    pasts = range(max(0, tap - len(weights) + 1), min(spread, tap) + 1)
    chosen, needed = weights[tap - pasts[0]], lies_past[pasts[0]]
    for past in pasts[1:]:
        chosen = weights[tap - past].where(lies_past[past], chosen)
        needed = chosen.builder.or_(needed, lies_past[past])
    return chosen, None if len(pasts) == spread + 1 else needed


def sampler(formula: Callable[[Any], Any], taps: int, spread: int, channels: int) -> Any:
    """Make a kernel of LANES samples of each channel, out of the formula for the weights of one.

    Parameters
    ----------
    formula : weights of the taps of a sample that lies so far past the first of the middle two.
    spread : by so many px more may one sample lie past than another.

    Returns
    -------
    A compiled function of (flat, at, step, pitch, t0, dt, out, x, out_pitch): tap j of sample i is
    flat[at + j · step + i], and it lies t0 + dt · i, 0 or more, past tap taps/2 − 1; it is put into out[x + i]. Other
    channels lie at whole pitches from the first. No px but its own taps counts for a sample, not even if it is NaN.
    """

    @intrinsic
    def sample(
        typing: Any, flat: Any, at: Any, step: Any, pitch: Any, t0: Any, dt: Any, out: Any, x: Any, out_pitch: Any
    ) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            px, first, apart, planes, begin, slope, to, place, to_planes = arguments
            source = context.make_array(signature.args[0])(context, builder, px).data
            target = context.make_array(signature.args[6])(context, builder, to).data

            def vector_at(pointer: Any, index: Any) -> Any:
                return builder.bitcast(builder.gep(pointer, [index]), _VECTOR.as_pointer())

            t = _splat(builder, begin) + _splat(builder, slope) * Lanes(builder, _constant(*range(LANES)))
            lies_past: list[Any] = [None]
            if spread > 0:
                t = t.where(t.compared(">=", 0), Lanes(builder, _constant(0)))
                whole = t.whole()
                t, lies_past = t - whole, [whole.compared("==", past) for past in range(spread + 1)]
            weights = formula(t)
            totals = [Lanes(builder, _constant(0))] * channels
            for tap in range(taps + spread):
                weight, needed = _weight(weights, spread, tap, lies_past)
                index = first
                for channel in range(channels):
                    total = totals[channel]
                    more = total + weight * Lanes(builder, builder.load(vector_at(source, index), align=4))
                    totals[channel] = more if needed is None else more.where(needed, total)
                    index = builder.add(index, planes)
                first = builder.add(first, apart)
            for channel in range(channels):
                builder.store(totals[channel].value, vector_at(target, place), align=4)
                place = builder.add(place, to_planes)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(flat, whole, whole, whole, types.float32, types.float32, out, whole, whole), build

    return sample
