"""Steps that these tests put into a pipeline."""

from collections.abc import Iterable

from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Identity
from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.step import Outcome, Step
from pilotlight_transformer.pipeline.target import Target

OUTCOMES: list[Outcome] = []
SEEN: list[bytes] = []


class LookingStep(Step):
    """Looks at everything, and changes nothing."""

    name = "looking"

    async def request(self, call: Call) -> Answer | None:
        return None

    async def chunk(self, call: Call, event: Event) -> Iterable[Event]:
        SEEN.append(event.raw)
        return (event,)

    async def end(self, call: Call, outcome: Outcome) -> None:
        OUTCOMES.append(outcome)


class TenantStep(Step):
    """Knows everybody as the tenant ``acme``, and keeps the credentials."""

    name = "tenant"

    async def request(self, call: Call) -> Answer | None:
        call.identity = Identity(tenant="acme", subject="key-1")
        call.headers.remove(b"authorization")
        return None


class WantingStep(LookingStep):
    """Wants every answer, whoever has left."""

    name = "wanting"

    def wanted(self, call: Call) -> bool:
        return True


class TargetsStep(Step):
    """Sends calls to the targets of the class."""

    name = "targets"
    targets: tuple[Target, ...] = ()

    async def request(self, call: Call) -> Answer | None:
        call.targets = type(self).targets
        return None


class BrokenStep(Step):
    """Breaks the rules of HTTP in the answer's headers."""

    name = "broken"

    def answering(self, call: Call, answer: Answer) -> None:
        answer.headers.put(b"x-broken", b"a\r\nset-cookie: b")
