"""A live stacker for deep-sky pictures: watch a folder, and the stack grows out of the noise."""
