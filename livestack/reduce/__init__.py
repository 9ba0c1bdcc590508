"""The physics: from a raw frame to a sample in the stack. Functions over arrays; no settings, events or threads."""
