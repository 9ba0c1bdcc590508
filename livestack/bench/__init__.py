"""How fast is it here, and how right: a synthetic night with truth, stacked by a `livestack watch` of its own.

`frames` makes the night, `live` runs the program on it and reads its clocks, `accuracy` compares with the truth, and
`quick` is what ``livestack bench`` does with them. The full comparison is ``scripts/bench.py``.
"""
