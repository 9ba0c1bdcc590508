"""Where on the sky it is, and what is there."""
