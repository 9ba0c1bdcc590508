"""Faults of the capture folder and of what comes into it; see `tests.faults.test_faults`."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

from tests.faults.faults import (
    LOOK,
    MANY,
    Night,
    Rows,
    as_a_user,
    on_a_disk,
    plug,
    small_disk,
    unmount,
    without_watches,
)
from tests.night import sessions

ROWS = Rows()
row = ROWS.row


@row("SourceLost", "SourceBack", ready=on_a_disk("captures"))
def folder_unplugged_and_back(night: Night) -> None:
    unmount(night.captures)
    night.told("SourceLost")
    night.expose(2, night.shelf)
    plug(night.shelf, night.captures)


@row("SourceLost", "SourceBack", ready=on_a_disk("captures"))
def folder_unplugged_with_subs_in_line(night: Night) -> None:
    night.ask("hold")
    night.told("Held")
    night.expose(3)
    night.until(f"(SELECT count(*) FROM arrival) >= {night.taken}")
    unmount(night.captures)
    night.ask("go")
    night.told("SourceLost")
    time.sleep(3)
    plug(night.shelf, night.captures)


@row("SourceLost", "SourceBack", ready=on_a_disk("captures"))
def folder_not_there_when_it_starts_again(night: Night) -> None:
    """As after a power cut: the session is resumed before its disk is mounted."""
    night.expose(3)
    night.stacked()
    night.end(signal.SIGKILL)
    unmount(night.captures)
    night.start()
    night.told("SourceLost")
    night.expose(2, night.shelf)
    plug(night.shelf, night.captures)


@row("SourceLost", "SourceBack", ready=on_a_disk("captures"))
def folder_unplugged_when_a_sub_is_dropped(night: Night) -> None:
    night.expose(3)
    night.stacked()
    unmount(night.captures)
    night.told("SourceLost")
    no = sessions.accepted(night.session)[1]["no"]
    sessions.run("drop", night.session, no)
    plug(night.shelf, night.captures)
    night.told("StackRestacked")
    sessions.run("restore", night.session, no)
    night.told("StackRestacked", 2)


@row("SourceLost", "SourceBack")
def folder_renamed_and_back(night: Night) -> None:
    night.captures.rename(night.tmp / "elsewhere")
    night.told("SourceLost")
    night.expose(2, night.tmp / "elsewhere")
    (night.tmp / "elsewhere").rename(night.captures)


@row("SourceLost", "SourceBack")
def folder_hidden_by_an_empty_disk(night: Night) -> None:
    small_disk(night.captures, 1)
    night.told("SourceLost")
    unmount(night.captures)


@row("SourceLost", "SourceBack", ready=as_a_user)
def folder_not_permitted_and_permitted_again(night: Night) -> None:
    night.captures.chmod(0)
    night.told("SourceLost")
    night.captures.chmod(0o755)


@row("", "", "--poll", "0.5")
def folder_that_tells_of_nothing(night: Night) -> None:
    night.expose(3)


@row(ready=without_watches)
def no_events_to_be_had(night: Night) -> None:
    """The system's limit of watched folders is reached: it says so, and polls."""
    night.expose(3)
    night.stacked()
    assert "limit of watched folders is reached" in (night.session / "log" / "livestack.log").read_text()


@row()
def more_events_than_the_system_keeps(night: Night) -> None:
    """While livestack stands still the queue of events runs over: whatever it lost is found by looking."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    night.send(signal.SIGSTOP)
    stranger = night.captures / "stranger"
    for _ in range(most // 3 + 200):  # made, closed, and again
        stranger.touch()
        stranger.unlink()
    night.expose(3)
    time.sleep(0.5)
    night.send(signal.SIGCONT)


@row()
def thousands_of_strangers(night: Night) -> None:
    for number in range(10_000):
        (night.captures / f"stranger_{number}.txt").touch()
    night.expose(3)


@row()
def links_in_a_circle(night: Night) -> None:
    (night.captures / "x").mkdir()
    (night.captures / "x" / "up").symlink_to(night.captures)
    (night.captures / "itself").symlink_to(night.captures / "itself")
    (night.captures / "itself.fits").symlink_to(night.captures / "itself.fits")
    night.expose(3)


# ---- files -----------------------------------------------------------------------------------------------------------


@row()
def file_cut_short_and_completed(night: Night) -> None:
    frame = night.frames[night.taken]
    data = frame.read_bytes()
    target = night.captures / frame.name
    target.write_bytes(data[:9000])
    time.sleep(1.5)
    with target.open("ab") as file:
        file.write(data[9000:])
    night.taken += 1


@row(n=MANY)
def file_written_again_with_other_bytes(night: Night) -> None:
    """After the last look, which reads subs again, a name may hold the next one."""
    night.expose(LOOK - night.taken)
    for frame in night.frames[night.taken : MANY]:
        night.stacked()
        shutil.copyfile(frame, night.captures / "latest.fits")
        night.taken += 1


@row()
def file_gone_while_it_is_waited_for(night: Night) -> None:
    shutil.copyfile(night.frames[MANY - 1], night.captures / "gone.fits")
    (night.captures / "gone.fits").unlink()
    night.expose(1)


@row(ready=as_a_user)
def file_not_permitted_and_permitted_again(night: Night) -> None:
    locked = night.captures / night.frames[night.taken].name
    locked.write_bytes(night.frames[night.taken].read_bytes())
    locked.chmod(0)
    time.sleep(2)
    locked.chmod(0o644)
    night.taken += 1
    night.stacked()
