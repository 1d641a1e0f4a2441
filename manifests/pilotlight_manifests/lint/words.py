"""A container's command line as words, also when a shell script holds it."""

import re
import shlex
from collections.abc import Iterable, Mapping

from pilotlight_manifests.lint.field import Field

SHELLS = {"sh", "bash", "ash", "dash"}
_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


def words(command: Iterable[Field], args: Iterable[Field], env: Mapping[str, str]) -> list[Field]:
    """The words of command and arguments, each with its line.

    ``$(NAME)`` is filled in from the environment as Kubernetes does it; a script of ``sh -c`` is
    split, with the line of the script for all of its words. What stays unknown keeps its ``$``.
    """
    given = [word for word in (*command, *args) if word.text is not None]
    if not given or (given[0].text or "").rpartition("/")[2] not in SHELLS:
        return [Field(w.line, _filled(w.text or "", env), given=True) for w in given]
    split: list[Field] = []
    for word in given:
        split += [Field(word.line, part, given=True) for part in _split(word.text or "")]
    return split


def _split(script: str) -> list[str]:
    try:
        return shlex.split(script, comments=True)
    except ValueError:
        return script.split()


def _filled(text: str, env: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda match: env.get(match[1], match[0]), text)
