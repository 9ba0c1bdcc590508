"""The session on a terminal: one line per thing that matters, or every event as JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from livestack import events
from livestack.bus import Mailbox
from livestack.counted import count
from livestack.events import Record
from livestack.journal import Journal
from livestack.settings import Running
from livestack.show.calibrated import calibration_line
from livestack.stacks.room import needs_of
from livestack.stacks.verdicts import ENOUGH_DROPS

Say = Callable[[Record], None]


def follow(mailbox: Mailbox[Record], journal: Journal, done: threading.Event, say: Say) -> threading.Thread:
    """Tell each event once, in order, from a thread of its own, until `done` is set and nothing is left to tell.

    What the mailbox lost is read from the journal. When nobody listens any more, it ends.
    """
    told = int(journal.rows("SELECT coalesce(max(seq), 0) AS seq FROM event")[0]["seq"])

    def run() -> None:
        nonlocal told
        while True:
            ended = done.is_set()
            records, lost = mailbox.take(0.2)
            for record in journal.follow(told) if lost else records:
                if record.seq > told:
                    say(record)
                    told = record.seq
            if ended and not records:
                return

    def run_while_heard() -> None:
        try:
            run()
        except OSError:  # the terminal or the pipe is gone
            silence()

    thread = threading.Thread(target=run_while_heard, name="console", daemon=True)
    thread.start()
    return thread


def silence() -> None:
    """Send what is still to be printed nowhere, so that the end of the program does not stumble over it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def say_json(record: Record) -> None:
    """Print one event as a JSON line: seq, time_utc, kind and body, as in the journal."""
    line = {"seq": record.seq, "time_utc": record.time_utc, "kind": record.kind, "body": events.to_dict(record.event)}
    print(json.dumps(line), flush=True)


def say_line(record: Record) -> None:
    """Print words for an event, if there are any."""
    line = as_line(record)
    if line:
        print(line, flush=True)


def as_line(record: Record) -> str | None:
    """Return words for an event, or None for what a person need not read."""
    match record.event:
        case events.SubAccepted() as sub:
            fwhm = sub.quality["fwhm_px"]
            name = Path(sub.path).name
            return f"Sub {sub.no} stacked on {sub.stack}: {name}, {sub.quality['n_stars']} stars, FWHM {fwhm:.1f} px"
        case events.SubRejected() as sub:
            name = Path(sub.path).name
            return f"Sub {sub.no} left out: {sub.sentence if name in sub.sentence else f'{name}: {sub.sentence}'}"
        case events.SubDropped() as sub:
            return f"Sub {sub.no} dropped: {Path(sub.path).name}"
        case events.SubRestored() as sub:
            return f"Sub {sub.no} put back: {Path(sub.path).name}"
        case events.MeridianFlip() as flip:
            return f"Meridian flip at sub {flip.no}: the picture keeps its direction"
        case _:
            return _of_stack(record) or _of_session(record)


def _of_stack(record: Record) -> str | None:
    match record.event:
        case events.StackFounded() as stack:
            height, width = stack.size
            shape, looks = (stack.channels, height, width), stack.reject == "deferred"
            drizzled = stack.drizzle and stack.cfa is not None
            needs = needs_of(shape, looks=looks, jobs=Running().workers, drizzled=drizzled)
            how = f"; drizzled: best from {ENOUGH_DROPS} dithered subs on" if drizzled else ""
            how = "; not drizzled: its subs are no mosaic of colours" if stack.drizzle and not drizzled else how
            return f"New stack {stack.stack}: {width}×{height} px; takes {needs.words}{how}"
        case events.MastersMatched() as masters:
            return f"Stack {masters.stack}: {calibration_line(masters)}"
        case events.Looked() as look:
            found = f": {look.defects:,} hot or cold px found" if look.defects else ""
            return f"Looked at subs 1–{look.n_subs} of {look.stack} again ({look.seconds:.1f} s){found}"
        case events.StackSaved() as saved:
            return f"Saved {saved.file} ({count(saved.n_subs, 'sub')})"
        case events.StackRestacked() as again:
            return f"Stack {again.stack} folded again: {count(again.n_subs, 'sub')} ({again.why})"
        case _:
            return None


def _of_session(record: Record) -> str | None:
    match record.event:
        case events.SettingsChanged() as settings:
            return f"Settings changed from the next sub on: {', '.join(settings.changed)}"
        case events.SourceBack() as back:
            return f"The folder {back.folder} is there."
        case events.SourceLost() | events.AlertRaised() as trouble:
            return trouble.sentence
        case events.SessionStopped() as stopped if stopped.exit_code in (0, 130):
            return stopped.sentence
        case _:
            return None


def complain(sentence: str) -> None:
    """Say one line on standard error."""
    print(f"livestack: {sentence}", file=sys.stderr, flush=True)
