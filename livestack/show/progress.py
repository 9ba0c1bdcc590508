"""How far a stack of files has come: a bar with the time that is left, below the lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from livestack.events import Record, SubAccepted, SubRejected
from livestack.show.console import Say, as_line


@contextmanager
def progress_bar(n_files: int, passes: int) -> Iterator[Say]:
    """Show a bar on the terminal; gives what tells it of events, and prints their lines above it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("Stacking", total=n_files)
        done = 0

        def say(record: Record) -> None:
            nonlocal done
            line = as_line(record)
            if line:
                progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
            if isinstance(record.event, SubAccepted | SubRejected):
                done = max(done, record.event.arrival)
                last = done >= n_files and passes > 1
                progress.update(bar, completed=done, description="Second pass" if last else "Stacking")

        yield say
