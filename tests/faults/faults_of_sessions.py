"""Faults of the session's disk, of the program and of the clock; see `tests.faults.test_faults`."""

from __future__ import annotations

import os
import signal
import sqlite3
import time

from tests.faults.faults import (
    FEW,
    LOOK,
    MANY,
    Night,
    Rows,
    as_a_user,
    fill,
    on_a_disk,
    on_a_small_disk,
    plug,
    set_fault,
    unmount,
    until,
    who,
    with_a_shim,
)
from tests.night import sessions

ROWS = Rows()
row = ROWS.row


@row("AlertRaised disk", "AlertCleared disk", "--save-every", "1", ready=on_a_small_disk(40))
def disk_full_for_the_stack(night: Night) -> None:
    ballast = fill(night.session, leave=400_000)
    night.expose(2)
    night.told("AlertRaised disk")
    night.stacked()
    assert not list((night.session / "stack").glob(".*.tmp"))
    ballast.unlink()


@row("AlertRaised disk", "AlertCleared disk", "--save-every", "1", ready=on_a_small_disk(40), n=MANY)
def disk_full_for_the_checkpoint(night: Night) -> None:
    night.expose(LOOK - 1 - night.taken)
    night.stacked()
    ballast = fill(night.session, leave=2_000_000)
    night.expose(2)
    night.told("AlertRaised disk")
    night.stacked()
    night.end(signal.SIGKILL)
    ballast.unlink()
    night.start()


@row("AlertRaised disk", "AlertCleared disk", ready=on_a_small_disk(40))
def disk_full_for_the_journal(night: Night) -> None:
    """It goes on in its reserve, and everybody hears of it."""
    ballast = fill(night.session)
    night.expose(3)
    night.stacked()
    night.told("AlertRaised disk")
    ballast.unlink()


@row("AlertRaised disk", "AlertCleared disk", ready=on_a_small_disk(40))
def disk_full_and_no_reserve(night: Night) -> None:
    """Nothing can be written at all: it is said on the terminal, and subs wait."""
    (night.session / "cache" / "reserve").unlink()
    ballast = fill(night.session)
    night.expose(FEW - night.taken)
    while "cannot be written" not in night.said:
        fill(night.session)
        (night.session / "cache" / "reserve").unlink(missing_ok=True)
        time.sleep(0.1)
    ballast.unlink()


@row("AlertRaised disk", "AlertCleared disk", "--save-every", "1", ready=as_a_user)
def session_made_read_only(night: Night) -> None:
    folders = [night.session, night.session / "stack", night.session / "cache"]
    for folder in folders:
        folder.chmod(0o555)
    night.expose(2)
    night.told("AlertRaised disk")
    night.stacked()
    for folder in folders:
        folder.chmod(0o755)


@row("AlertRaised disk", "AlertCleared disk", "--save-every", "1", ready=on_a_disk("session"))
def session_unplugged_and_back(night: Night) -> None:
    unmount(night.session)
    night.expose(2)
    night.says("cannot be saved")
    plug(night.shelf, night.session)
    night.stacked()


@row("AlertRaised disk", "AlertCleared disk", ready=with_a_shim)
def session_disk_fails_and_is_back(night: Night) -> None:
    """Each call to it ends with an error, as when a cable is loose."""
    set_fault(night, disk_fails=True)
    night.expose(3)
    night.says("cannot be written")
    time.sleep(3)
    set_fault(night, disk_fails=False)


@row("AlertRaised disk", "AlertCleared disk")
def journal_kept_locked(night: Night) -> None:
    with sqlite3.connect(night.session / "journal.sqlite", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        night.expose(2)
        night.says("another program keeps it locked")
        other.execute("ROLLBACK")
    other.close()


@row(n=MANY)
def checkpoint_corrupted(night: Night) -> None:
    night.expose(LOOK + 1 - night.taken)
    night.stacked()
    night.end()
    (checkpoint,) = (night.session / "cache").glob("*.checkpoint")
    data = bytearray(checkpoint.read_bytes())
    data[len(data) // 3 :] = os.urandom(len(data) // 2)
    checkpoint.write_bytes(data)
    night.start()


@row()
def cached_pictures_corrupted(night: Night) -> None:
    night.end(signal.SIGKILL)
    for picture in (night.session / "cache").glob("*.npy"):
        picture.write_bytes(picture.read_bytes()[:1000])
    night.start()


@row()
def end_of_the_journal_lost(night: Night) -> None:
    """A disk that lied about what it had written: the last subs are found and stacked again."""
    night.expose(2)
    night.stacked()
    night.end(signal.SIGKILL)
    log = night.session / "journal.sqlite-wal"
    os.truncate(log, log.stat().st_size * 2 // 3)
    night.start()


# ---- the program and the clock ---------------------------------------------------------------------------------------


@row()
def killed(night: Night) -> None:
    night.expose(3)
    night.send(signal.SIGKILL)
    assert night.process
    night.process.wait()
    night.start()


@row()
def stopped_for_longer_than_a_file_settles(night: Night) -> None:
    data = night.frames[night.taken].read_bytes()
    with (night.captures / night.frames[night.taken].name).open("wb") as file:
        file.write(data[:9000])
        file.flush()
        time.sleep(0.3)
        night.send(signal.SIGSTOP)
        time.sleep(2)
        night.send(signal.SIGCONT)
        time.sleep(0.5)
        file.write(data[9000:])
    night.taken += 1


@row("", "", "--save-every", "1")
def ended_while_a_stack_is_saved(night: Night) -> None:
    night.expose(2)
    until(lambda: list((night.session / "stack").glob(".*.tmp")) or "Saved" in night.said)
    night.end()
    night.start()


@row(ready=with_a_shim)
def clock_an_hour_ahead_and_back(night: Night) -> None:
    for off_s in (3600, 0, -3600, 0):
        set_fault(night, clock_off_s=off_s)
        night.expose(1)
        night.stacked()
    night.expose(1)


@row()
def a_second_livestack(night: Night) -> None:
    assert night.process
    said = sessions.run("watch", night.captures, "--viewer", "none", "--session", night.session, code=2)
    assert f"in use by livestack, process {night.process.pid} on {who()}" in said
