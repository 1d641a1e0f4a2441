"""What a webhook is asked and what it says: the AdmissionReview, and the values inside."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from pilotlight.kube.document import Document

# kube-apiserver cuts longer ones (apiserver/pkg/warning).
LONGEST_WARNING = 4096


@dataclass(frozen=True)
class Question:
    """A write that is about to be stored."""

    uid: str
    operation: str
    namespace: str
    name: str
    user: str
    dry_run: bool
    new: Document
    old: Document
    """Empty when it is a creation."""


@dataclass(frozen=True)
class Answer:
    """Whether a write may go on, and how it is to be changed before."""

    patch: tuple[Document, ...] = ()
    """Operations of a JSON Patch (RFC 6902)."""
    warnings: tuple[str, ...] = ()
    """Shown to whoever writes, as ``kubectl`` does."""
    refusal: str = ""
    """Why not, and what to do; empty: it may go on."""


@dataclass
class Remarks:
    """An answer in the making."""

    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def answer(self) -> Answer:
        return Answer(warnings=tuple(self.warnings), refusal="; ".join(self.refusals))


def question_of(review: Any) -> Question:
    """What an AdmissionReview asks.

    Raises:
        ValueError: It is not one of ``admission.k8s.io/v1``.
    """
    try:
        request = review["request"]
        return Question(
            uid=request["uid"],
            operation=request["operation"],
            namespace=request.get("namespace") or "",
            name=request.get("name") or "",
            user=(request.get("userInfo") or {}).get("username") or "",
            dry_run=bool(request.get("dryRun")),
            new=request.get("object") or {},
            old=request.get("oldObject") or {},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an AdmissionReview: {error!r}") from error


def review_of(question: Question, answer: Answer) -> Document:
    """The AdmissionReview that carries an answer."""
    response: Document = {"uid": question.uid, "allowed": not answer.refusal}
    if answer.refusal:
        # 422: kubectl shows the message alone, and a GitOps tool does not take it for an outage.
        response["status"] = {"code": 422, "reason": "Invalid", "message": answer.refusal}
    if answer.warnings:
        response["warnings"] = [text[:LONGEST_WARNING] for text in answer.warnings]
    if answer.patch and not answer.refusal:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(json.dumps(answer.patch).encode()).decode()
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
