"""Which files came, and when each is finished."""

from livestack.watch.folder import Arrival, watch
from livestack.watch.place import Ground, SourceChange, why_none

__all__ = ["Arrival", "Ground", "SourceChange", "watch", "why_none"]
