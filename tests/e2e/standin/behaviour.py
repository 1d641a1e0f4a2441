"""How the stand-in shall behave, and what that means for each answer."""

import random
from dataclasses import dataclass

from pydantic_settings import BaseSettings, SettingsConfigDict


class Behaviour(BaseSettings):
    """What it does. Shares are between 0 and 1; times are in seconds.

    Args:
        model: Name under which it is asked; fixed at the start.
        version: Part of every answer's fingerprint and header.
        weights: Decide the words, together with the prompt; by default the version does.
        seed: Of the draws; setting it anew starts them over.
        slots: Requests that run at a time; the others wait in its queue.
        first_token_s: Time to the first token.
        token_s: Time between tokens.
        ready_after_s: It is not ready before; ``inf``: never.
        crash: It ends with code 7 instead of starting.
        fail_share: Of answers, that are a 500.
        stall_share: Of answers, whose first token comes ``stall_s`` later.
        stall_s: See there.
        cut_share: Of streams, that break off half-way.
        garbage_share: Of answers, that are exclamation marks.
        leak_bytes: Memory kept for ever, per answer.
        cache: Whether prompts that begin like an earlier one are found in its cache.
    """

    model_config = SettingsConfigDict(env_prefix="STANDIN_", extra="forbid", frozen=True)

    model: str = "standin"
    version: str = "1"
    weights: str = ""
    seed: int = 0
    slots: int = 64
    first_token_s: float = 0.02
    token_s: float = 0.02
    ready_after_s: float = 0.0
    crash: bool = False
    fail_share: float = 0.0
    stall_share: float = 0.0
    stall_s: float = 0.0
    cut_share: float = 0.0
    garbage_share: float = 0.0
    leak_bytes: int = 0
    cache: bool = True


@dataclass(frozen=True)
class Fate:
    """What becomes of one answer."""

    fails: bool
    stalls: bool
    is_cut: bool
    is_garbage: bool


class Fates:
    """Draws fates, each kind of fault from numbers of its own, so that none shifts another."""

    def __init__(self, seed: int) -> None:
        self._numbers = [random.Random(f"{seed} {kind}") for kind in range(4)]

    def draw(self, b: Behaviour) -> Fate:
        """The next answer's."""
        shares = (b.fail_share, b.stall_share, b.cut_share, b.garbage_share)
        pairs = zip(self._numbers, shares, strict=True)
        return Fate(*[number.random() < share for number, share in pairs])
