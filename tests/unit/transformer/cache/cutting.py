"""A step that wants no more of a stream after its first event, if the request says so."""

from collections.abc import Iterable

from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.step import Step


class CutsShort(Step):
    name = "cuts"

    async def chunk(self, call: Call, event: Event) -> Iterable[Event]:
        if b"x-cut" in call.headers:
            call.enough = True
        return (event,)
