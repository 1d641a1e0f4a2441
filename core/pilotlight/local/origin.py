"""Where a document was written."""

from dataclasses import dataclass

from pilotlight.errors import ManifestError


@dataclass(frozen=True)
class Origin:
    """Where a document came from, for messages."""

    file: str
    number: int
    kind: str = "?"
    name: str = "?"

    def error(self, field: str, problem: str) -> ManifestError:
        """An error about one field, that says where to look."""
        where = f"{self.file}: document {self.number} ({self.kind} {self.name})"
        return ManifestError(f"{where}: {field}: {problem}")
