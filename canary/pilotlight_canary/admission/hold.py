"""Holding a changed template at 0 % in the very write that changes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pilotlight.api.rollout_status import Component
from pilotlight.kube.document import Document
from pilotlight_canary.admission.answer import Answer
from pilotlight_canary.admission.propagation import DEFAULT, Propagation
from pilotlight_canary.admission.template import (
    PERCENT,
    TEMPLATE_HASH,
    recorded_hash,
    template_hash,
)

STOP = "serving.kserve.io/stop"


@dataclass(frozen=True)
class Guard:
    """What an InferenceRollout wants of writes to its target."""

    rollout: str
    refuses_both: bool = False
    """Predictor and transformer must not change in one write."""
    dry_run: bool = False
    """It says what it would do, and changes nothing."""


def held(old: Document, new: Document, guard: Guard, propagation: Propagation = DEFAULT) -> Answer:
    """How a write to an enrolled InferenceService has to be changed before it is stored.

    A component that KServe has rolled out once is held at 0 % when its template changes, and
    keeps its share and its mark when it does not: a tool that writes the whole object, or drops
    fields that it does not know, would else move traffic. KServe ignores the percentage of a
    component without a rolled-out revision, so that nothing is held there.

    Args:
        old: The InferenceService as it is stored.
        new: As it is to be.
        guard: What the rollout says.
        propagation: Which metadata does not reach a template.
    """
    if _stops(new):
        return _stopping(old, new, guard)
    changed = [c for c in _rolled_out(old, new) if _differ(old, new, c, propagation)]
    if len(changed) > 1 and guard.refuses_both:
        return Answer(
            refusal=f"InferenceRollout {guard.rollout} refuses to change predictor and transformer "
            "in one write (onBothChanged: refuse): change one of them, wait until its rollout has "
            "ended, then change the other. Labels and annotations of the InferenceService itself "
            "reach both: write those that are for one in spec.predictor or spec.transformer"
        )
    if guard.dry_run:
        return _told(changed, guard)
    patch: list[Document] = []
    warnings: list[str] = []
    for component in _rolled_out(old, new):
        asked = new["spec"][component].get(PERCENT)
        if component in changed:
            mark, percent = template_hash(new, component, propagation), 0
            by_hand = asked not in (None, 0, old["spec"][component].get(PERCENT))
        else:
            mark, percent = recorded_hash(old, component), old["spec"][component].get(PERCENT)
            # 100 of what gets everything already is no wish.
            if percent is None and asked == 100:
                percent = 100  # what it gets anyway
            by_hand = asked not in (None, percent)
        if by_hand:
            warnings.append(_not_by_hand(component, asked, percent, guard))
        patch += _marked(new, component, mark)
        patch += _weighted(new, component, percent)
    return Answer(tuple(patch), tuple(warnings))


def _rolled_out(old: Document, new: Document) -> Iterator[Component]:
    components = (old.get("status") or {}).get("components") or {}
    for component in Component:
        there = all(isinstance((d.get("spec") or {}).get(component), dict) for d in (old, new))
        if there and (components.get(component) or {}).get("latestRolledoutRevision"):
            yield component


def _differ(old: Document, new: Document, component: Component, propagation: Propagation) -> bool:
    before, after = (template_hash(d, component, propagation) for d in (old, new))
    return before != after


def _stops(document: Document) -> bool:
    annotations = (document.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(STOP)).lower() == "true"


def _stopping(old: Document, new: Document, guard: Guard) -> Answer:
    """A stopped service forgets its revisions: a share left over would be a rollback later."""
    if guard.dry_run:
        return Answer()
    patch: list[Document] = []
    split = False
    for component in _rolled_out(old, new):
        split = split or old["spec"][component].get(PERCENT) not in (None, 100)
        patch += _weighted(new, component, None)
    warning = (
        f"InferenceRollout {guard.rollout} is under way, or has taken a version back: KServe "
        "forgets the stable version when it stops a service, and the newest gets all traffic once "
        "it starts again. Write the stable version's spec before you start it"
    )
    return Answer(tuple(patch), (warning,) if split and not _stops(old) else ())


def _told(changed: list[Component], guard: Guard) -> Answer:
    if not changed:
        return Answer()
    said = (
        f"InferenceRollout {guard.rollout} has mode DryRun: the new {' and '.join(changed)} would "
        "be held at 0 %, and gets all traffic now"
    )
    return Answer(warnings=(said,))


def _not_by_hand(component: Component, asked: Any, percent: int | None, guard: Guard) -> str:
    stays = "is left out" if percent is None else f"is {percent}"
    return (
        f"spec.{component}.{PERCENT}: {asked} is not taken, it {stays}: InferenceRollout "
        f"{guard.rollout} decides on it. pilotlight rollout promote, abort or pause "
        f"{guard.rollout} is what a person can do; with the InferenceRollout deleted it is yours"
    )


def _marked(new: Document, component: Component, mark: str) -> list[Document]:
    part = new["spec"][component]
    annotations = part.get("annotations")
    path = f"/spec/{component}/annotations"
    key = f"{path}/{TEMPLATE_HASH.replace('/', '~1')}"
    now = (annotations or {}).get(TEMPLATE_HASH)
    if now == (mark or None):
        return []
    if not mark:
        return [{"op": "remove", "path": key}]
    if not annotations:
        return [{"op": "add", "path": path, "value": {TEMPLATE_HASH: mark}}]
    return [{"op": "add", "path": key, "value": mark}]


def _weighted(new: Document, component: Component, percent: int | None) -> list[Document]:
    part = new["spec"][component]
    path = f"/spec/{component}/{PERCENT}"
    if part.get(PERCENT) == percent:
        return []
    if percent is None:
        return [{"op": "remove", "path": path}]
    return [{"op": "add", "path": path, "value": percent}]
