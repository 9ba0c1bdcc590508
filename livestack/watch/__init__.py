"""Which files came, and when each is finished."""
