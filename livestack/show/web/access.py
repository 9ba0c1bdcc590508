"""Who may operate: a token that is told at the start, and sessions of those who knew it."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field

COOKIE = "livestack_operator"
LASTS_S = 12 * 3600
_MOST_SESSIONS = 16
_TRIES, _WITHIN_S = 5, 60.0
"""Wrong tokens that an address may give within so long. All together may give any number: nobody can be kept out so."""
_MOST_ADDRESSES = 1000


@dataclass(slots=True)
class Access:
    """Knows the token, and who signed in. For one thread."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    _sessions: OrderedDict[str, float] = field(default_factory=OrderedDict)
    _failures: dict[str, deque[float]] = field(default_factory=dict)

    def is_barred(self, address: str) -> bool:
        """Whether there were so many wrong tokens that no more are looked at for now."""
        failures = self._failures.get(address, deque())
        while failures and time.monotonic() - failures[0] > _WITHIN_S:
            failures.popleft()
        return len(failures) >= _TRIES

    def sign_in(self, given: str, address: str) -> str | None:
        """Return the secret of a new session, for its cookie; None where the token is another."""
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode()):
            if len(self._failures) >= _MOST_ADDRESSES:
                self._failures.clear()
            self._failures.setdefault(address, deque()).append(time.monotonic())
            return None
        self._failures.pop(address, None)
        secret = secrets.token_urlsafe(32)
        self._sessions[secret] = time.monotonic()
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return secret

    def knows(self, secret: str) -> bool:
        """Whether it is that of a session that is still good."""
        known = False
        for each, since in list(self._sessions.items()):
            if time.monotonic() - since > LASTS_S:
                del self._sessions[each]
            elif hmac.compare_digest(secret.encode("utf-8", "replace"), each.encode()):
                known = True
        return known

    def sign_out(self, secret: str) -> None:
        """Forget a session."""
        self._sessions.pop(secret, None)
