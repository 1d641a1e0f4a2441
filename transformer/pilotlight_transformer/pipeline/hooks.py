"""Which steps of a pipeline have which hooks: found once, not for each call."""

from collections.abc import Sequence

from pilotlight_transformer.pipeline.step import Step

_NAMES = ("answering", "response", "chunk", "last_chunks", "watch", "wanted", "end")


class Hooks:
    """The hooks of a list of steps.

    Attributes:
        steps: In the order of the list.
    """

    __slots__ = ("_having", "steps")

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        self._having = {
            name: tuple(step for step in reversed(self.steps) if has(step, name)) for name in _NAMES
        }

    def of(self, name: str, count: int) -> Sequence[Step]:
        """Those of the first ``count`` steps that have a hook of this name, the last one first."""
        having = self._having[name]
        if count == len(self.steps):
            return having
        first = self.steps[:count]
        return [step for step in having if step in first]

    def has(self, step: Step, name: str) -> bool:
        """Whether a step has a hook of this name."""
        return step in self._having[name]


def has(step: Step, name: str) -> bool:
    """Whether a step's class has a hook of its own."""
    return getattr(type(step), name) is not getattr(Step, name)
