"""What a gate found, as a document for people: the figures, and the worst differences."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pilotlight_canary.gate.answer import Answer, Reply
from pilotlight_canary.gate.finding import Finding
from pilotlight_canary.gate.similarity import wording
from pilotlight_canary.gate.subject import Subject
from pilotlight_canary.gate.tally import Tally
from pilotlight_canary.gate.thresholds import Measure

MAX_BYTES = 900_000
"""A ConfigMap holds 1 MiB, with its keys and metadata."""
MAX_TEXT = 2000
"""Characters of one text that is shown."""


def report(
    subject: Subject,
    at: datetime,
    verdict: str,
    tally: Tally,
    measured: Sequence[Measure],
    findings: Sequence[Finding],
    *,
    shows_texts: bool,
    max_bytes: int = MAX_BYTES,
) -> str:
    """JSON of at most so many bytes, the worst findings first, and as many as fit.

    Args:
        subject: Whose report it is.
        at: When the gate ended.
        verdict: In words.
        tally: The findings, counted.
        measured: What was held against the spec.
        findings: One for each prompt that was asked.
        shows_texts: With prompts and answers; not where people wrote them.
        max_bytes: Of UTF-8.
    """
    head = {
        "rollout": subject.rollout,
        "stable": subject.stable_revision,
        "canary": subject.canary_revision,
        "at": at.isoformat(),
        "verdict": verdict,
        "prompts": tally.prompts,
        "asked": tally.asked,
        "compared": tally.compared,
        "measures": [_measure(measure) for measure in measured],
    }
    worst = sorted(findings, key=lambda finding: finding.badness, reverse=True)
    entries = [json.dumps(_entry(f, shows_texts), ensure_ascii=False) for f in worst]
    shown = _that_fit(entries, max_bytes - len(_document(head, [], len(entries)).encode()))
    return _document(head, shown, len(entries) - len(shown))


def _document(head: dict[str, Any], entries: Sequence[str], left_out: int) -> str:
    body = json.dumps({**head, "findingsLeftOut": left_out}, ensure_ascii=False, indent=1)
    return body.removesuffix("\n}") + ',\n "findings": [\n' + ",\n".join(entries) + "\n ]\n}\n"


def _that_fit(entries: Sequence[str], max_bytes: int) -> list[str]:
    shown: list[str] = []
    for entry in entries:
        max_bytes -= len(entry.encode()) + len(",\n")
        if max_bytes < 0:
            break
        shown.append(entry)
    return shown


def _measure(measure: Measure) -> dict[str, Any]:
    known = measure.value != float("inf")
    return {
        "name": measure.name,
        "value": round(measure.value, 6) if known else "infinite",
        "limit": measure.limit,
        "over": measure.is_over,
        "sentence": measure.sentence,
    }


def _entry(finding: Finding, shows_texts: bool) -> dict[str, Any]:
    judgement, drift = finding.judgement, finding.drift.mean
    entry: dict[str, Any] = {
        "prompt": finding.prompt.name,
        "different": judgement.different if judgement else None,
        "similarity": round(judgement.score, 4) if judgement else None,
        "logprobDrift": round(drift, 4) if drift is not None else None,
        "fault": finding.fault if shows_texts or finding.fault is None else "not as asked for",
        "stable": _reply(finding.stable, shows_texts),
        "canary": _reply(finding.canary, shows_texts),
    }
    if shows_texts:
        asked = finding.prompt.body.get("messages") or finding.prompt.body.get("prompt")
        entry["asked"] = _cut(json.dumps(asked, ensure_ascii=False))
        entry["why"] = _cut(judgement.reason if judgement else finding.undone)
    return entry


def _reply(reply: Reply, shows_texts: bool) -> dict[str, Any]:
    if isinstance(reply, Answer):
        shown: dict[str, Any] = {"tokens": reply.output_tokens, "ended": reply.finish_reason}
        return {**shown, "text": _cut(wording(reply))} if shows_texts else shown
    failed = {"failed": reply.kind}
    return {**failed, "message": _cut(reply.message)} if shows_texts else failed


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text)} characters)"
