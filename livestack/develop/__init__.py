"""From a linear stack to a picture."""
