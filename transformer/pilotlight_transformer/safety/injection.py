"""Heuristics for prompts that want to take over: a score of how much a text looks like one.

Each sign has a weight; weights add up like probabilities of independent events. The signs follow
the examples of OWASP's LLM01:2025, in English. They find what is written plainly and nothing that
is meant to hide: a classifier is for that.
"""

import re
from collections.abc import Iterable

from pilotlight_transformer.safety.folding import caseless

_ANY = r"(?: \w+){0,4}"
_TAKE_OVER = (
    rf"\b(?:ignore|disregard|forget|override|bypass|skip|neglect){_ANY} "
    rf"(?:previous|prior|above|earlier|preceding|foregoing|original|all|any|your|system){_ANY} "
    r"(?:instructions?|prompts?|rules?|directions?|guidelines?|directives?)\b"
)
_TELL = (
    rf"\b(?:reveal|show|print|repeat|output|display|tell|leak|give){_ANY} "
    rf"(?:your|the|hidden|initial){_ANY} ?(?:system prompt|system message|initial instructions|"
    r"hidden instructions|instructions above|prompt above)\b"
)
_UNBOUND = (
    rf"\b(?:you are|act as|pretend to be|pretend you are|respond as){_ANY} (?:unrestricted|"
    r"no longer|unfiltered|uncensored|without (?:any )?(?:restrictions?|rules?|filters?|limits?))\b"
)
_RULES = (
    rf"\b(?:new|updated|real|actual) (?:system )?(?:instructions?|prompt|rules?){_ANY}"
    r" (?:follow|are|is|below|begin)\b"
)
_SIGNS = tuple(
    (weight, re.compile(sign))
    for weight, sign in (
        (0.85, _TAKE_OVER),
        (0.8, _TELL),
        (0.8, r"<\|(?:im_start|im_end|system|start_header_id|eot_id|endoftext)\|>|\[/?inst\]"),
        (0.6, r"\b(?:do anything now|dan mode|developer mode (?:enabled|on)|jailbreak(?:ed)?)\b"),
        (0.6, _UNBOUND),
        (0.5, rf"\bwithout (?:telling|informing|alerting){_ANY} (?:user|anyone|anybody|human)\b"),
        (0.4, r"\b(?:from now on|starting now) you (?:are|will|must|shall|have to)\b"),
        (0.4, _RULES),
        (0.3, r"\b(?:end of|stop) (?:system )?(?:prompt|instructions?|context|document)\b"),
        (0.3, r"\b(?:base64|rot13|decode this)\b"),
    )
)
_MARKS = re.compile(r"[^\w<>|\[\]/ ]+")
_SPACES = re.compile(r" {2,}")


def score(texts: Iterable[str]) -> float:
    """How much texts look like an injection, from 0 to 1."""
    innocent = 1.0
    found: set[int] = set()
    for text in texts:
        plain = _SPACES.sub(" ", _MARKS.sub(" ", caseless(text)))
        for number, (weight, sign) in enumerate(_SIGNS):
            if number not in found and sign.search(plain):
                found.add(number)
                innocent *= 1 - weight
    return 1 - innocent
