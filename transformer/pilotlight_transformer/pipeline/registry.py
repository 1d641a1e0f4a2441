"""Which class a step's name in the YAML means."""

from importlib import import_module
from importlib.metadata import entry_points

from pilotlight.errors import UsageError
from pilotlight_transformer.pipeline.step import Step

GROUP = "pilotlight.transformer_steps"
"""Entry points of steps that other packages ship."""

BUILT_IN = (
    "audit",
    "auth",
    "conversation",
    "retrieve",
    "safety",
    "validate",
    "ratelimit",
    "feedback",
    "route",
    "cache",
    "format",
)
"""In the order in which they usually stand."""


def step_class(name: str) -> type[Step]:
    """The class of a built-in step, of an entry point, or of ``module:Class``.

    Raises:
        UsageError: There is none of that name, or it is no step.
    """
    found = _load(name)
    if not (isinstance(found, type) and issubclass(found, Step)):
        raise UsageError(f"pipeline: {name} is not a step: derive it from Step")
    return found


def _load(name: str) -> object:
    try:
        if name in BUILT_IN:
            return getattr(
                import_module(f"pilotlight_transformer.steps.{name}"), f"{name.capitalize()}Step"
            )
        if ":" in name:
            module, _, attribute = name.partition(":")
            return getattr(import_module(module), attribute)
        for entry_point in entry_points(group=GROUP, name=name):
            return entry_point.load()
    except (ImportError, AttributeError) as error:
        raise UsageError(f"pipeline: the step {name} cannot be loaded: {error}") from None
    raise UsageError(
        f"pipeline: there is no step {name!r}: choose of {', '.join(BUILT_IN)}, an entry point of "
        f"{GROUP}, or module:Class"
    )
