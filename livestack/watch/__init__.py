"""Which files came, and when each is finished."""

from livestack.watch.folder import Arrival, SourceChange, watch

__all__ = ["Arrival", "SourceChange", "watch"]
