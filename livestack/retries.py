"""How long is waited before what failed is tried again, s."""

READ_S = 2.0
"""A sub whose disk does not answer, or is away."""
JOURNAL_S = 2.0
"""A journal that does not take what is written."""
SAVE_S = 15.0
"""A stack that could not be saved: it is large."""
FOLDER_S = 0.5
"""A look for a folder that is not there: it costs nothing."""
