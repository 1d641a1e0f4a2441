"""How much each caller may ask for: requests and tokens, in buckets that all replicas share."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import Counter
from prometheus_client.registry import Collector

from pilotlight.errors import RateLimited
from pilotlight_transformer.limits.bucket import full_in_s
from pilotlight_transformer.limits.callers import Callers
from pilotlight_transformer.limits.charge import Charge, Correction, Of, Taken, Verdict
from pilotlight_transformer.limits.limiter import Limiter
from pilotlight_transformer.limits.local import LocalBuckets
from pilotlight_transformer.limits.settings import RatelimitSettings
from pilotlight_transformer.limits.shared import SharedBuckets
from pilotlight_transformer.limits.tokens import (
    COSTS_TOKENS,
    Tally,
    estimate,
    output_tokens,
    prompt_tokens,
    tells_usage,
)
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Slot
from pilotlight_transformer.pipeline.headers import Pair
from pilotlight_transformer.pipeline.route import Route
from pilotlight_transformer.pipeline.step import Outcome, Step, Surroundings

PREFIX = b"x-ratelimit-"
_BOTH: tuple[Of, Of] = ("requests", "tokens")
_NAMES = {
    of: tuple(
        b"%b%b-%b" % (PREFIX, what, of.encode()) for what in (b"limit", b"remaining", b"reset")
    )
    for of in _BOTH
}
_COST_NOTHING = frozenset({*range(400, 499), 503})
"""What a predictor answers before its model has worked; 499 is a client that left."""


_KNOWN_ALREADY = frozenset({"hit", "similar", "shared"})
"""What the step ``cache`` says of an answer that was not asked for anew."""


@dataclass(slots=True)
class _Held:
    """What a call has taken, until it is settled; the tally counts if it took tokens."""

    verdict: Verdict
    prompt: int
    tally: Tally | None


class RatelimitStep(Step):
    """Takes from the caller's buckets before, and settles with what was used after."""

    name = "ratelimit"
    Settings = RatelimitSettings
    settings: RatelimitSettings

    def __init__(self, settings: RatelimitSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._held: Slot[_Held] = Slot()
        self._callers = Callers(settings, surroundings.model_name)
        self._refusals = Counter(
            "pilotlight_transformer_ratelimit_refusals_total",
            "Requests over a limit, by whose and of what.",
            ("per", "of"),
            registry=None,
        )
        self._tokens = Counter(
            "pilotlight_transformer_ratelimit_tokens_total",
            "Tokens that callers were charged in the end.",
            registry=None,
        )
        self._failures = Counter(
            "pilotlight_transformer_ratelimit_store_failures_total",
            "Calls of Redis that failed.",
            registry=None,
        )

    async def start(self) -> None:
        """Choose where the buckets are. Redis is asked only by the first request."""
        shared = self.surroundings.stores.shared
        self._limiter = Limiter(
            LocalBuckets(self.surroundings.workers, self.settings.max_buckets),
            None if shared is None else SharedBuckets(shared),
            self.settings.on_redis_failure,
            self.surroundings.clock,
            self._failures.inc,
        )

    async def request(self, call: Call) -> None:
        """Take the request, and its prompt with what is set aside for the answer."""
        prompt, charges = self._charges(call)
        if not charges:
            return
        verdict = await self._limiter.take(charges)
        counts = any(charge.bucket.of == "tokens" for charge in charges)
        tally = Tally(reads_usage=tells_usage(call)) if counts else None
        self._held.put(call, _Held(verdict, prompt, tally))
        if not verdict.admitted:
            self._refuse(call, verdict.taken)

    def answering(self, call: Call, answer: Answer) -> None:
        """Tell the caller what is left of its tightest buckets, as OpenAI does."""
        held = self._held.get(call)
        if held is None:
            return
        pairs = [pair for pair in answer.headers if not pair[0].startswith(PREFIX)]
        for of in _BOTH:
            taken = [each for each in held.verdict.taken if each.bucket.of == of]
            if taken:
                pairs += _told(of, taken[0] if len(taken) == 1 else min(taken, key=_tightness))
        answer.headers.pairs = pairs

    async def response(self, call: Call, answer: Answer) -> None:
        """Read the usage of a whole answer."""
        held = self._held.get(call)
        if held is not None and held.tally is not None and isinstance(answer.body, bytes):
            held.tally.whole(answer.body)

    def watch(self, call: Call, data: bytes) -> None:
        """Count a stream."""
        held = self._held.get(call)
        if held is not None and held.tally is not None:
            held.tally.stream(data)

    async def end(self, call: Call, outcome: Outcome) -> None:
        """Settle: give back what was not used, and take what was used beyond."""
        held = self._held.get(call)
        if held is None or held.tally is None or not held.verdict.admitted:
            return
        taken = [each for each in held.verdict.taken if each.bucket.of == "tokens"]
        used = self._used(call, held.prompt, held.tally, outcome)
        corrections = [
            Correction(each.bucket, used - each.amount)
            for each in taken
            if used is not None and used != each.amount
        ]
        self._tokens.inc(used if used is not None else max(each.amount for each in taken))
        if corrections and not await self._limiter.settle(corrections, held.verdict.place):
            call.decide(self.name, "unsettled", "the store of the limits did not answer")

    def collectors(self) -> Iterable[Collector]:
        """Refusals, tokens charged, and failures of the store."""
        return (self._refusals, self._tokens, self._failures)

    def _charges(self, call: Call) -> tuple[int, list[Charge]]:
        buckets = self._callers.buckets(call)
        prompt = wanted = 0
        if call.route in COSTS_TOKENS and any(bucket.of == "tokens" for bucket in buckets):
            prompt = prompt_tokens(call, self.settings.bytes_per_token)
            wanted = prompt + output_tokens(call, self.settings.output_tokens)
        charges = []
        for bucket in buckets:
            if bucket.of == "requests":
                charges.append(Charge(bucket, 1, 1))
            elif wanted:
                charges.append(Charge(bucket, prompt, wanted))
        return prompt, charges

    def _refuse(self, call: Call, taken: Sequence[Taken]) -> None:
        worst = min(taken, key=_tightness)
        bucket = worst.bucket
        self._refusals.labels(bucket.per, bucket.of).inc()
        call.decide(self.name, "refused", f"{bucket.of} per {bucket.per}")
        if worst.wait_s is None:
            raise RateLimited(
                f"the prompt alone is over the {worst.limit.burst:.0f} {bucket.of} that this "
                f"{bucket.per} may use at once, so that it never passes: shorten it"
            )
        raise RateLimited(
            f"this {bucket.per} has used up its {bucket.of}: the limit is "
            f"{worst.limit.rate:g} a second after {worst.limit.burst:.0f} at once; try again in "
            f"{span(worst.wait_s)}",
            retry_after_s=worst.wait_s,
        )

    def _used(self, call: Call, prompt: int, tally: Tally, outcome: Outcome) -> int | None:
        """The tokens that a call has cost; ``None``: nobody knows, what was taken stays taken."""
        if _is_free(call, outcome):
            return 0
        facts = call.facts
        complete = not (outcome.cancelled or outcome.cut or outcome.error)
        completion = self._completion(call, tally, complete)
        if completion is None:
            return None
        if tally.completion is not None:
            facts.completion_tokens = completion
        if tally.prompt is not None:
            facts.prompt_tokens = tally.prompt
        return completion + (prompt if tally.prompt is None else tally.prompt)

    def _completion(self, call: Call, tally: Tally, complete: bool) -> int | None:
        if tally.events:
            # The last event is [DONE], or what breaks off a stream.
            counted = max(0, tally.events - 1)
            if tally.completion is None:
                return counted
            return tally.completion if complete else max(tally.completion, counted)
        if not complete:
            return None
        if tally.completion is not None or tally.prompt is not None:
            return tally.completion or 0
        if call.route is Route.EMBEDDINGS:
            return 0
        return estimate(tally.answer_bytes, self.settings.bytes_per_token)


def _is_free(call: Call, outcome: Outcome) -> bool:
    """Whether no model has worked for a call."""
    if call.facts.cache in _KNOWN_ALREADY:
        return True
    # A refusal with an upstream is one of an answer: its model has worked.
    refused_before = outcome.error is None or call.facts.upstream is None
    return outcome.status in _COST_NOTHING and refused_before


def _tightness(taken: Taken) -> tuple[float, float]:
    """What refuses first, comes first: the longest wait, then the least that is left."""
    wait = math.inf if taken.wait_s is None else taken.wait_s
    return (-wait, taken.left)


def _told(of: Of, taken: Taken) -> tuple[Pair, Pair, Pair]:
    limit, remaining, reset = _NAMES[of]
    return (
        (limit, b"%d" % taken.limit.burst),
        (remaining, b"%d" % max(0, math.floor(taken.left))),
        (reset, span(full_in_s(taken.limit, taken.left)).encode()),
    )


def span(seconds: float) -> str:
    """A time as OpenAI's headers write it: ``6m0s``, ``1s``, ``20ms``; rounded up."""
    milliseconds = math.ceil(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    whole = math.ceil(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s" if minutes else f"{rest}s"
    )
