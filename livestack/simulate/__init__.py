"""A synthetic night written as real files, with truth: for the demo, the tests and the benches.

`Night` takes the frames, `write_night` writes them as camera software does. A frame is a pure function of the options
and its number. The matrix of a sub maps its pixels to the grid, which is the frame of sub 0: y down, the centre of the
first pixel is (0, 0).
"""

from livestack.simulate.camera import header, shots, truth_of, write_night
from livestack.simulate.night import Night
from livestack.simulate.options import NightOptions
from livestack.simulate.trails import Trail
from livestack.simulate.truth import SubTruth

__all__ = ["Night", "NightOptions", "SubTruth", "Trail", "header", "shots", "truth_of", "write_night"]
