"""Computes how long to wait before asking a server again: back-off with jitter, and `Retry-After`."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})


def backoff_seconds(attempt: int, base: float, cap: float, rng: random.Random) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 0): doubling, at most `cap`, "equal jitter".

    Half of the wait is random, so that clients that failed together don't come back together. Source: M. Brooker,
    "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    full = min(cap, base * 2.0 ** min(attempt, 30))
    return full / 2 + rng.uniform(0, full / 2)


def retry_after_seconds(header: str | None, now: datetime | None = None) -> float | None:
    """The wait in seconds that a `Retry-After` header asks for, as a number or a date (RFC 9110, 10.2.3), or `None`."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
