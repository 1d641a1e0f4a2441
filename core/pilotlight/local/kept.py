"""ConfigMaps and Secrets of the file, for the variables and volumes that ask for them."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pilotlight.local.origin import Origin
from pilotlight.local.schema import KeptObject

_KEY = re.compile(r"[-._a-zA-Z0-9]+")


class Kind(StrEnum):
    """The kinds that hold values by key."""

    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"  # noqa: S105


@dataclass(frozen=True)
class Kept:
    """What the file's ConfigMaps and Secrets hold, as bytes by key."""

    objects: Mapping[tuple[Kind, str], Mapping[str, bytes]] = field(default_factory=dict)

    def whole(self, kind: Kind, name: str, *, optional: bool) -> Mapping[str, bytes]:
        """All keys of one object.

        Raises:
            ValueError: It is not in the file, and not optional.
        """
        found = self.objects.get((kind, name))
        if found is None and not optional:
            raise ValueError(f"the {kind} {name!r} is not in this file; add its document")
        return found or {}

    def value(self, kind: Kind, name: str, key: str, *, optional: bool) -> bytes | None:
        """One key of one object; ``None`` if it is not there and optional.

        Raises:
            ValueError: It is not in the file, and not optional.
        """
        value = self.whole(kind, name, optional=optional).get(key)
        if value is None and not optional:
            raise ValueError(f"the {kind} {name!r} has no key {key!r}")
        return value


def contents(kind: Kind, document: KeptObject, origin: Origin) -> Mapping[str, bytes]:
    """What a document holds; a Secret's ``stringData`` stands above its ``data``.

    Raises:
        ManifestError: A key is no file name, or a value no base64.
    """
    values: dict[str, bytes] = {}
    encoded = {"data": document.data} if kind is Kind.SECRET else {}
    for field_, texts in (encoded | {"binaryData": document.binary_data}).items():
        for key, text in texts.items():
            try:
                values[key] = base64.b64decode("".join(text.split()), validate=True)
            except (binascii.Error, ValueError):
                raise origin.error(f"{field_}.{key}", "the value is not base64") from None
    plain = document.string_data if kind is Kind.SECRET else document.data
    values |= {key: text.encode() for key, text in plain.items()}
    for key in values:
        if not _KEY.fullmatch(key) or key in {".", ".."}:
            raise origin.error("data", f"{key!r} is no key: letters, digits, '-', '_' and '.'")
    return values
