"""Which of two versions a request belongs to: by its headers, its session, or by chance.

A session is a point between 0 and 1, the hash of its id, and belongs to the canary while that is
below the canary's share. So it stays on one version as long as the share does, wherever and however
often it is asked; a share that rises takes sessions from stable to the canary and none back.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pilotlight.api.analysis import HeaderMatch, SessionAffinity

_POINTS = 2**64


class Version(StrEnum):
    """The two that serve during a rollout."""

    STABLE = "stable"
    CANARY = "canary"


class Ground(StrEnum):
    """Why a request belongs to its version."""

    MATCH = "match"
    SESSION = "session"
    CHANCE = "chance"


@dataclass(frozen=True)
class Assignment:
    """A request's version."""

    version: Version
    ground: Ground


def assign(
    headers: Mapping[str, str],
    *,
    weight: int,
    rollout: str,
    chance: float,
    match: Sequence[HeaderMatch] = (),
    affinity: SessionAffinity | None = None,
) -> Assignment:
    """The version that a request belongs to.

    Args:
        headers: Of the request; case does not count in their names.
        weight: The canary's share in percent, 0 to 100.
        rollout: What names this rollout for as long as it lasts, as its canary's revision does:
            in the next one other sessions go first.
        chance: Between 0 and 1, drawn evenly for each request; it decides where there is no
            session.
        match: Headers of requests that the canary gets whatever its weight, each alone enough.
        affinity: Which header names the session.

    Raises:
        ValueError: ``weight`` or ``chance`` is out of bounds.
    """
    if not 0 <= weight <= 100:
        raise ValueError(f"a weight is between 0 and 100, not {weight}")
    if not 0 <= chance <= 1:
        raise ValueError(f"a chance is between 0 and 1, not {chance}")
    given = {name.lower(): value for name, value in headers.items()}
    if any(given.get(each.header.lower()) == each.exact for each in match):
        return Assignment(Version.CANARY, Ground.MATCH)
    session = given.get(affinity.header.lower(), "") if affinity else ""
    if session:
        is_canary = point(session, rollout) * 100 < weight * _POINTS
        return Assignment(_version(is_canary), Ground.SESSION)
    return Assignment(_version(weight == 100 or chance * 100 < weight), Ground.CHANCE)


def point(session: str, rollout: str) -> int:
    """A session's place in a rollout, 0 to 2**64 - 1, the same on every machine."""
    # Digested by itself first, so that no id can shift a piece of itself into the other.
    salt = hashlib.sha256(rollout.encode(errors="surrogatepass")).digest()
    digest = hashlib.sha256(salt + session.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")


def _version(is_canary: bool) -> Version:
    return Version.CANARY if is_canary else Version.STABLE
