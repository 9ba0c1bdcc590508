"""Messages by e-mail, as the standard library sends them."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import parse_qs, unquote, urlsplit

from livestack.show.monitor.message import Message

WAIT_S = 20.0
_HERE = ("localhost", "127.0.0.1", "::1")
_PORTS = {"smtp": 25, "smtps": 465, "mailto": 25, "mailtos": 587}


class CannotMail(Exception):  # noqa: N818 - it is an outcome
    """Why a mail cannot be sent; never with a secret in it."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """Through which server, as whom and to whom.

    Attributes
    ----------
    tls : str
        all along (``wrapped``), from the greeting on in any case (``must``), or where it is offered (``may``).
    """

    host: str
    port: int
    tls: str
    user: str
    password: str
    sender: str
    to: tuple[str, ...]


def mail_to(url: str) -> Mailing:
    """Read ``smtp://user:password@host:port/?to=…&from=…``, smtps, mailto(s) alike, or ``mailto:a@b?smtp=host``.

    Raises
    ------
    CannotMail
        It does not say to whom, or no port.
    """
    parts = urlsplit(url)
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    try:
        port = parts.port
        server = urlsplit(f"//{asked['smtp']}") if "smtp" in asked else parts
        port, host = server.port or port, server.hostname or "localhost"
    except ValueError:
        raise CannotMail("names no port that can be") from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    named = asked.get("to", "") or (unquote(parts.path) if not parts.netloc else unquote(parts.path.strip("/")))
    to = tuple(one.strip() for one in named.split(",") if "@" in one)
    at_home = user if "@" in user else f"{user}@{parts.hostname}" if user and parts.hostname else ""
    to = to or ((at_home,) if at_home else ())
    if not to:
        raise CannotMail("does not say to whom: add ?to=name@host")
    tls = "wrapped" if parts.scheme == "smtps" or port == 465 else "must" if parts.scheme == "mailtos" else "may"
    sender = asked.get("from") or at_home or to[0]
    return Mailing(host, port or _PORTS[parts.scheme.lower()], tls, user, password, sender, to)


def send_mail(mailing: Mailing, message: Message) -> None:
    """Send a message as a mail, its picture attached.

    Raises
    ------
    CannotMail
        Why not.
    """
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.title, mailing.sender, ", ".join(mailing.to)
    mail["Date"], mail["Message-ID"] = formatdate(localtime=True), make_msgid(domain="livestack.invalid")
    mail["X-Priority"] = "1" if message.urgent else "3"
    mail.set_content(message.text, cte="quoted-printable")
    if message.picture:
        mail.add_attachment(message.picture, maintype="image", subtype="jpeg", filename="night.jpg")
    try:
        _send(mailing, mail)
    except smtplib.SMTPAuthenticationError:
        raise CannotMail("the server does not take this user and password") from None
    except smtplib.SMTPResponseException as error:
        raise CannotMail(f"the server answered {error.smtp_code}") from None
    except smtplib.SMTPException as error:
        raise CannotMail(f"the server did not take it ({type(error).__name__})") from None
    except TimeoutError:
        raise CannotMail(f"no answer in {WAIT_S:.0f} s") from None
    except OSError as error:
        raise CannotMail((error.strerror or type(error).__name__).lower()) from None


def _send(mailing: Mailing, mail: EmailMessage) -> None:
    safe = ssl.create_default_context()
    if mailing.tls == "wrapped":
        server: smtplib.SMTP = smtplib.SMTP_SSL(mailing.host, mailing.port, timeout=WAIT_S, context=safe)
    else:
        server = smtplib.SMTP(mailing.host, mailing.port, timeout=WAIT_S)
    with server:
        server.ehlo()
        if mailing.tls == "must" or (mailing.tls == "may" and server.has_extn("starttls")):
            server.starttls(context=safe)
            server.ehlo()
        if mailing.user:
            if not isinstance(server.sock, ssl.SSLSocket) and mailing.host not in _HERE:
                raise CannotMail("the server offers no encryption: the password stays here")
            server.login(mailing.user, mailing.password)
        server.send_message(mail)
