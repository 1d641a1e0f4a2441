"""How much memory one GPU has, as far as a manifest tells it."""

import re
from collections.abc import Iterator

from pilotlight_manifests.lint.container import MIG_PREFIX, Gpus
from pilotlight_manifests.lint.field import Field
from pilotlight_manifests.lint.quantity import GIB, MIB

MEMORY_LABELS = ("nvidia.com/gpu.memory",)
"""In MiB; set by NVIDIA's GPU feature discovery."""

MODEL_LABELS = (
    "nvidia.com/gpu.product",
    "cloud.google.com/gke-accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
    "gpu.nvidia.com/model",
)

GIB_OF_MODEL = {
    # Data sheets of the makers. Rounded up: a bound that a model surely does not exceed.
    "t4": 16, "l4": 24, "a10": 24, "a10g": 24, "l40": 48, "l40s": 48, "a30": 24, "a40": 48,
    "p4": 8, "k80": 12, "h200": 141, "b200": 192, "mi210": 64, "mi300x": 192, "mi325x": 256,
}  # fmt: skip

_WRITTEN = re.compile(r"(?<!\d)(\d{1,3})gb(?![a-z])")
_MIG = re.compile(r"\d+g\.(\d+)gb")


def memory(pod: Field, gpus: Gpus | None) -> float | None:
    """An upper bound of one GPU's memory in bytes; ``None`` when the pod does not tell."""
    if gpus is not None and gpus.resource.startswith(MIG_PREFIX):
        slice_ = _MIG.search(gpus.resource)
        return float(slice_[1]) * GIB if slice_ else None
    bounds = [_of_label(label, values) for label, values in _selected(pod)]
    known = [bound for bound in bounds if bound is not None]
    return min(known) if known else None


def _of_label(label: str, values: list[str]) -> float | None:
    """Of several products that would do, the largest; ``None`` when one is unknown."""
    if label in MEMORY_LABELS:
        sizes = [float(v) * MIB if v.isdigit() else None for v in values]
    elif label in MODEL_LABELS:
        sizes = [_of_product(v) for v in values]
    else:
        return None
    return max((s for s in sizes if s), default=None) if all(sizes) else None


def _of_product(product: str) -> float | None:
    name = product.lower()
    written = _WRITTEN.search(name)
    if written:
        return float(written[1]) * GIB
    parts = re.split(r"[^a-z0-9]+", name)
    found = [GIB_OF_MODEL[part] for part in parts if part in GIB_OF_MODEL]
    return float(found[0]) * GIB if found else None


def _selected(pod: Field) -> Iterator[tuple[str, list[str]]]:
    """The labels that a node must have."""
    for label, value in pod.at("nodeSelector").texts.items():
        yield label, [value]
    required = pod.at("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    terms = required.at("nodeSelectorTerms").items
    # Several terms are alternatives; one alone is a must.
    for term in terms if len(terms) == 1 else ():
        for expression in term.at("matchExpressions").items:
            values = [v.text for v in expression.at("values").items if v.text is not None]
            if expression.at("operator").text == "In" and values:
                yield expression.at("key").text or "", values
