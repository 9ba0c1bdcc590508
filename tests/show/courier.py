"""Places where messages arrive: a web server and a mail server, real ones, on this computer."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Came:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Place:
    """Where messages arrive.

    Attributes
    ----------
    answers : list of int
        Status codes of the next requests; then 200.
    """

    port: int = 0
    came: list[Came] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, n: int, timeout_s: float = 20.0) -> None:
        """Wait until so many came."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.came) + len(self.mails) >= n, timeout_s), self.came


@contextmanager
def _served(server: socketserver.TCPServer, place: Place) -> Iterator[None]:
    """Serve in a thread, and tell the place where; the thread ends with the block."""
    with server:
        place.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def web() -> Iterator[Place]:
    """A web server that keeps what is posted."""
    place = Place()

    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(place.answers.pop(0) if place.answers else 200)
            self.end_headers()
            with place.arrived:
                place.came.append(Came(self.command, self.path, dict(self.headers), body))
                place.arrived.notify_all()

        do_POST = do_PUT = _take  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None: ...

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Handler), place):
        yield place


@contextmanager
def mail(host: str = "127.0.0.1") -> Iterator[Place]:
    """A mail server that takes any user and keeps the mails."""
    place = Place()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                place.said.append(line.decode().strip())
                word = line[:4].upper()
                if word == b"EHLO":
                    self.wfile.write(b"250-here\r\n250 AUTH PLAIN\r\n")
                elif word == b"AUTH":
                    self.wfile.write(b"235 welcome\r\n")
                elif word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = []
                    while (line := self.rfile.readline()) not in (b".\r\n", b""):
                        lines.append(line)
                    with place.arrived:
                        place.mails.append(b"".join(lines))
                        place.arrived.notify_all()
                    self.wfile.write(b"250 taken\r\n")
                elif word == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 fine\r\n")

    with _served(socketserver.ThreadingTCPServer((host, 0), Handler), place):
        yield place
