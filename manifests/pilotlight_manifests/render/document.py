"""Kubernetes objects as YAML text, in the order and form that people write."""

import re
from collections.abc import Iterable
from typing import Any, TypeAlias

import yaml

Manifest: TypeAlias = dict[str, Any]

_STR = "tag:yaml.org,2002:str"

_GO_READS_OTHERWISE = re.compile(
    r"([yn]|[-+]?(0[xob][0-9a-f_]+|(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)(e[-+]?[0-9]+)?))\Z",
    re.IGNORECASE,
)
"""Texts that PyYAML leaves bare and the Go parser of kubectl takes for a boolean or a number
(go-yaml v2, ``resolve.go``)."""


class _Dumper(yaml.SafeDumper):
    """Indented lists, literal blocks for several lines, no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    plain = dumper.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    if style is None and (plain != _STR or _GO_READS_OTHERWISE.match(value)):
        style = '"'
    return dumper.represent_scalar(_STR, value, style=style)


_Dumper.add_representer(str, _text)


def dump(manifest: Manifest) -> str:
    """One document, without the line that separates documents."""
    return yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)


def dump_all(manifests: Iterable[Manifest]) -> str:
    """Several documents in one stream."""
    return "---\n".join(dump(manifest) for manifest in manifests)


def without_absent(mapping: Manifest) -> Manifest:
    """A mapping without the keys that hold nothing: none, or an empty text, list or mapping."""
    return {key: value for key, value in mapping.items() if value not in (None, "", [], {}, ())}
