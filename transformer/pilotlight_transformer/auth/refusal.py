"""A refusal that says no more than a caller may know."""

from pilotlight.errors import Unauthorized


class Refused(Unauthorized):
    """No identity. ``why`` is what metrics and the audit may say of it.

    Attributes:
        why: ``missing``, ``invalid`` or ``expired``.
    """

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.why = why


def missing() -> Refused:
    """Nobody was named."""
    return Refused(
        "missing",
        "this server asks who you are: send 'Authorization: Bearer KEY' with a key or a token",
    )


def ambiguous() -> Refused:
    """More than one credential was sent."""
    return Refused("invalid", "more than one key or token was sent: send exactly one")


def invalid() -> Refused:
    """A key or token that is not good; never says which part of it."""
    return Refused("invalid", "the key or token is not valid: ask for a new one")


def expired() -> Refused:
    """It was good once."""
    return Refused("expired", "the key or token has expired: ask for a new one")
