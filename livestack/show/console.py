"""The session on a terminal: one line per thing that matters, or every event as JSON."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from livestack import events
from livestack.bus import Mailbox
from livestack.events import Record


def follow(mailbox: Mailbox[Record], done: threading.Event, *, as_json: bool) -> threading.Thread:
    """Print what happens, from a thread of its own, until `done` is set and nothing is left to say."""

    def run() -> None:
        while True:
            ended = done.is_set()
            records, lost = mailbox.take(0.2)
            if lost and not as_json:
                print(f"… {lost} events are in the journal only", flush=True)
            for record in records:
                text = as_line(record) if not as_json else to_json(record)
                if text:
                    print(text, flush=True)
            if ended and not records:
                return

    thread = threading.Thread(target=run, name="console", daemon=True)
    thread.start()
    return thread


def to_json(record: Record) -> str:
    """One event as a JSON line: seq, time_utc, kind, and its fields."""
    body = events.to_dict(record.event)
    return json.dumps({"seq": record.seq, "time_utc": record.time_utc, "kind": record.kind, **body})


def as_line(record: Record) -> str | None:  # noqa: PLR0911 - one line per kind
    """Words for an event, or None for what a person need not read."""
    match record.event:
        case events.SubAccepted() as sub:
            fwhm = sub.quality["fwhm_px"]
            name = Path(sub.path).name
            return f"Sub {sub.no} stacked on {sub.stack}: {name}, {sub.quality['n_stars']} stars, FWHM {fwhm:.1f} px"
        case events.SubRejected() as sub:
            return f"Sub {sub.no} left out ({sub.reason}): {Path(sub.path).name}: {sub.sentence}"
        case events.StackFounded() as stack:
            return f"New stack {stack.stack}: {stack.size[1]}×{stack.size[0]} px"
        case events.MastersMatched() as masters:
            used = [kind for kind in ("bias", "dark", "flat") if getattr(masters, kind)]
            words = [
                f"calibrated with {', '.join(used)}" if used else "not calibrated",
                *masters.missing,
                *masters.notes,
            ]
            return f"Stack {masters.stack}: {'; '.join(words)}"
        case events.Looked() as look:
            return f"Looked at subs 1–{look.n_subs} of {look.stack} again ({look.seconds:.1f} s)"
        case events.MeridianFlip() as flip:
            return f"Meridian flip at sub {flip.no}: the picture keeps its direction"
        case events.SourceLost() as lost:
            return lost.sentence
        case events.SourceBack() as back:
            return f"The folder {back.folder} is there."
        case events.StackSaved() as saved:
            return f"Saved {saved.file} ({saved.n_subs} subs)"
        case events.StackRestacked() as again:
            return f"Stack {again.stack} folded again: {again.n_subs} subs ({again.why})"
        case events.SessionStopped() as stopped:
            return stopped.sentence
        case _:
            return None


def complain(sentence: str) -> None:
    """Say one line on standard error."""
    print(f"livestack: {sentence}", file=sys.stderr, flush=True)
