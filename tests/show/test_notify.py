"""Messages arrive where they should, seldom enough, and never with a secret where others read."""

from __future__ import annotations

import email
import email.policy
import json
import shlex
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from livestack.errors import SettingsError
from livestack.events import SessionStopped
from livestack.show.figures import STAR_SIZE
from livestack.show.monitor.lookout import Lookout
from livestack.show.monitor.message import MOST_AN_HOUR, Message, Ration, quiet_hours
from livestack.show.monitor.notify import NotDelivered, check, deliver, masked
from livestack.show.monitor.post import Post, names_of
from livestack.show.monitor.postcard import in_a_line, plot, postcard
from livestack.show.source import open_source
from livestack.show.state import NightState, catch_up
from tests.show import courier
from tests.show.courier import Place
from tests.show.night import Night, sky

NOW = datetime(2026, 8, 20, 23, 0, tzinfo=UTC)
PICTURE = b"\xff\xd8 a picture \xff\xd9"
MESSAGE = Message(
    "M 27: Focus drifted", "Focus drifted: 2.9 → 4.1\u202fpx. Refocus.\nSince 22:41.", "focus", "raised", "night",
    "M 27", NOW, NOW, urgent=True, picture=PICTURE,
)  # fmt: skip
SECRET = "s3cr3t-t0pic"


@pytest.fixture
def web() -> Iterator[Place]:
    with courier.web() as place:
        yield place


@pytest.fixture
def mail() -> Iterator[Place]:
    with courier.mail() as place:
        yield place


def test_a_webhook_takes_the_message_as_json_with_its_picture(web: Place) -> None:
    deliver(f"http://me:{SECRET}@127.0.0.1:{web.port}/hook?x=1", MESSAGE)
    (came,) = web.came
    said = json.loads(came.body)
    assert (came.path, said["title"], said["rule"], said["urgent"]) == ("/hook?x=1", MESSAGE.title, "focus", True)
    assert said["text"] == said["content"] == f"{MESSAGE.title}\n{MESSAGE.text}"
    assert said["picture"].startswith("data:image/jpeg;base64,")
    assert came.headers["Authorization"].startswith("Basic ")


def test_ntfy_takes_the_picture_and_words_beside_it_or_else_the_words(web: Place) -> None:
    url = f"ntfy://tk_{SECRET}@127.0.0.1:{web.port}/topic"
    deliver(url, MESSAGE)
    (came,) = web.came
    assert (came.method, came.path, came.body) == ("PUT", "/topic", PICTURE)
    assert came.headers["Authorization"] == f"Bearer tk_{SECRET}" and came.headers["Priority"] == "high"
    (words,) = email.header.decode_header(came.headers["Message"])
    assert words[0].decode() == MESSAGE.text.replace("\n", "\\n")
    web.answers[:] = [413]
    deliver(url, MESSAGE)
    assert (web.came[-1].method, web.came[-1].body.decode()) == ("POST", MESSAGE.text)


def test_a_mail_has_the_picture_attached(mail: Place) -> None:
    deliver(f"smtp://me:{SECRET}@127.0.0.1:{mail.port}/?to=you@example.org&from=me@example.org", MESSAGE)
    read: Any = email.message_from_bytes(mail.mails[0], policy=email.policy.default)
    assert (read["Subject"], read["To"], read["From"]) == (MESSAGE.title, "you@example.org", "me@example.org")
    assert read.get_body().get_content().split() == MESSAGE.text.split()
    (attached,) = read.iter_attachments()
    assert attached.get_content() == PICTURE and any(line.startswith("AUTH") for line in mail.said)
    deliver(f"mailto:you@example.org?smtp=127.0.0.1:{mail.port}", replace(MESSAGE, picture=b""))
    assert len(mail.mails) == 2


def test_a_command_hears_everything(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    program = (
        "import json,os,sys;e=os.environ;json.dump([e['LIVESTACK_TITLE'],e['LIVESTACK_RULE'],"
        f"open(e['LIVESTACK_PICTURE'],'rb').read().hex(),sys.stdin.buffer.read().decode()],open({str(told)!r},'w'))"
    )
    deliver(f"exec:{shlex.quote(sys.executable)} -c {shlex.quote(program)}", MESSAGE)
    assert json.loads(told.read_text()) == [MESSAGE.title, "focus", PICTURE.hex(), MESSAGE.text]
    with pytest.raises(NotDelivered, match="ended with 3"):
        deliver(f"exec:{shlex.quote(sys.executable)} -c 'raise SystemExit(3)'", MESSAGE)
    with pytest.raises(NotDelivered, match="no such file"):
        deliver("exec:/no/such/program", MESSAGE)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of apprise's own imports
def test_apprise_takes_what_is_of_no_known_kind(web: Place) -> None:
    pytest.importorskip("apprise")
    deliver(f"json://127.0.0.1:{web.port}/hook", replace(MESSAGE, picture=b""))
    assert json.loads(web.came[0].body)["title"] == MESSAGE.title


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "url",
    [
        f"https://ntfy.sh/{SECRET}",
        f"ntfy://{SECRET}",
        f"ntfys://me:{SECRET}@host/{SECRET}",
        f"https://me:{SECRET}@example.org:8443/{SECRET}?token={SECRET}",
        f"mailto://me:{SECRET}@example.org?to={SECRET}@x.org",
        f"mailto:{SECRET}@example.org",
        f"smtps://me:{SECRET}@example.org/?to={SECRET}@x.org",
        f"tgram://{SECRET}/123",
        f"exec:/usr/bin/curl -u me:{SECRET} https://example.org/{SECRET}",
        f"{SECRET}://x",
    ],
)
def test_no_secret_is_in_what_an_address_is_called(url: str) -> None:
    if not url.startswith(SECRET):
        assert SECRET not in masked(url)
    try:
        check(url)
    except SettingsError as error:
        assert SECRET not in str(error)


def test_addresses_that_look_alike_are_numbered() -> None:
    assert names_of(["https://ntfy.sh/a", "https://ntfy.sh/b", "desktop:"]) == [
        "https://ntfy.sh/… (1)", "https://ntfy.sh/… (2)", "desktop"
    ]  # fmt: skip


@pytest.mark.parametrize("url", ["nonsense", "https:///x", "exec:", "mailto:nobody", "smtp://host:port/?to=a@b"])
def test_what_cannot_be_meant_is_refused_in_a_line(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^notify: "):
        check(url)


def test_why_a_message_did_not_arrive_is_said_without_the_address(web: Place) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/{SECRET}", f"smtp://127.0.0.1:{port}/?to={SECRET}@x.org"):
        with pytest.raises(NotDelivered) as failure:
            deliver(url, MESSAGE)
        assert "refused" in str(failure.value) and SECRET not in str(failure.value)
    for answer in (403, 302):
        web.answers[:] = [answer]
        with pytest.raises(NotDelivered, match=str(answer)):
            deliver(f"http://127.0.0.1:{web.port}/{SECRET}", MESSAGE)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere this computer has one address of its own")
def test_a_password_is_not_told_to_a_server_that_is_elsewhere_and_hears_in_clear() -> None:
    with courier.mail("127.0.0.2") as place:
        with pytest.raises(NotDelivered, match="stays here"):
            deliver(f"smtp://me:{SECRET}@127.0.0.2:{place.port}/?to=a@b.org", MESSAGE)
        assert not any(line.startswith("AUTH") for line in place.said)


def test_what_fails_is_sent_again_and_said_once(web: Place) -> None:
    said: list[str] = []
    web.answers[:] = [500, 500]
    post = Post([f"http://127.0.0.1:{web.port}/{SECRET}"], Ration(), said.append, again_s=(0.05, 0.05))
    begun = time.monotonic()
    post.send(MESSAGE, NOW)
    assert time.monotonic() - begun < 0.5
    web.wait(3)
    post.close()
    assert len(said) == 2 and "500" in said[0] and "again" in said[1] and SECRET not in "".join(said)
    assert not [thread for thread in threading.enumerate() if thread.name == "post"]


def test_one_rule_speaks_a_few_times_an_hour_and_the_rest_is_told_together() -> None:
    ration, sent = Ration(), list[Message]()
    for minute in range(20):
        now = NOW + timedelta(minutes=minute)
        sent += ration.take(replace(MESSAGE, at=now), now)
    assert len(sent) == MOST_AN_HOUR
    other = replace(MESSAGE, rule="clouds", text="Cloud.")
    assert ration.take(other, NOW) == [other]
    assert ration.due(NOW + timedelta(minutes=40)) == []
    (digest,) = ration.due(NOW + timedelta(minutes=64))
    assert digest.kind == "digest" and "(16 messages)" in digest.text and "16 messages since" in digest.title
    assert ration.due(NOW + timedelta(hours=9)) == []


def test_in_quiet_hours_only_what_is_urgent_goes_and_the_rest_after() -> None:
    local = NOW.astimezone().replace(hour=23, minute=0)
    ration = Ration(quiet_hours("22:00-06:00"))
    calm = replace(MESSAGE, urgent=False, at=local)
    assert ration.take(calm, local) == [] and ration.take(MESSAGE, local) == [MESSAGE]
    assert ration.due(local + timedelta(hours=3)) == []
    (digest,) = ration.due(local + timedelta(hours=7, minutes=1))
    assert "Focus drifted" in digest.text


def test_the_picture_shows_the_stack_and_the_course(night: Night) -> None:
    night.found("M_27", "M 27")
    night.add_many(30)
    shown = sky(30)
    night.show(shown, sky(1), 30)
    source = open_source(night.session)
    try:
        state = catch_up(source.journal, NightState())
        packed = postcard(source, state, STAR_SIZE)
        image = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape[1] == 800 and image.shape[0] > 400 and len(packed) < 300_000
        course = plot(state.subs, STAR_SIZE)
        assert course is not None and course.max() > 150
        assert "px, the last 24 subs)" in in_a_line(state.subs, STAR_SIZE)
    finally:
        source.journal.close()


def test_a_night_that_ended_by_itself_is_told_and_one_that_was_stopped_is_not(night: Night, web: Place) -> None:
    night.found("M_27", "M 27")
    night.add_many(30)
    night.show(sky(30), sky(1), 30)
    source = open_source(night.session)
    post = Post([f"http://127.0.0.1:{web.port}/"], Ration(), lambda said: None)
    try:
        night.say(SessionStopped(130, "Stopped.", 30, 0))
        with closing(Lookout(source, post)) as lookout:
            lookout.look(NOW)
            lookout.tell_the_end(NOW)
            night.say(SessionStopped(0, "Done.", 30, 0))
            lookout.look(NOW)
            lookout.tell_the_end(NOW)
        web.wait(1)
    finally:
        post.close()
        source.journal.close()
    (came,) = web.came
    told = json.loads(came.body)
    assert told["title"] == "M 27: the night is over" and "30 of 30 subs were stacked" in told["message"]
