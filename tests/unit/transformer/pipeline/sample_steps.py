"""Steps of a stranger's package, for the pipeline's own tests."""

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from pilotlight.errors import ContentRefused, Unavailable, UsageError
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Slot
from pilotlight_transformer.pipeline.event import Event
from pilotlight_transformer.pipeline.step import Outcome, Step, StepSettings

LOG: list[str] = []
"""What the steps of the running test did, in order."""


class NamedSettings(StepSettings):
    mark: str = "x"


class Marking(Step):
    """Writes its mark down at every hook, and at the end of every text that passes."""

    name: ClassVar[str] = "marking"
    Settings = NamedSettings

    def _log(self, hook: str) -> None:
        LOG.append(f"{self.settings.mark}.{hook}")

    async def start(self) -> None:
        self._log("start")

    async def stop(self) -> None:
        self._log("stop")

    async def request(self, call: Call) -> Answer | None:
        self._log("request")
        return None

    def answering(self, call: Call, answer: Answer) -> None:
        self._log("answering")
        answer.headers.put(b"x-mark", (answer.headers.get(b"x-mark") or b"") + self._mark)

    async def response(self, call: Call, answer: Answer) -> None:
        self._log("response")
        document = answer.document() or {}
        document["marks"] = document.get("marks", "") + self.settings.mark
        answer.rewrite(document)

    async def chunk(self, call: Call, event: Event) -> Iterable[Event]:
        document = event.document or {}
        for choice in document.get("choices", []):
            if content := choice.get("delta", {}).get("content"):
                choice["delta"]["content"] = content + self.settings.mark
        return (Event.of(document),)

    async def last_chunks(self, call: Call) -> Iterable[Event]:
        self._log("last_chunks")
        return (Event.of({"choices": [{"index": 0, "delta": {"content": "."}}]}),)

    async def end(self, call: Call, outcome: Outcome) -> None:
        self._log("end" if outcome.ok else f"end:{outcome.error or 'cancelled'}")

    @property
    def _mark(self) -> bytes:
        mark: str = self.settings.mark
        return mark.encode()


class Second(Marking):
    name: ClassVar[str] = "second"


class Answering(Marking):
    """Answers by itself."""

    name: ClassVar[str] = "answering"

    async def request(self, call: Call) -> Answer | None:
        self._log("request")
        return Answer.of({"by": "step"})


class Refusing(Marking):
    name: ClassVar[str] = "refusing"

    async def request(self, call: Call) -> Answer | None:
        raise ContentRefused("not this")


class Watching(Step):
    """Sees a stream go by, and changes nothing."""

    name: ClassVar[str] = "watching"
    seen = bytearray()

    def watch(self, call: Call, data: bytes) -> None:
        self.seen.extend(data)


class Broken(Step):
    name: ClassVar[str] = "broken"

    async def request(self, call: Call) -> Answer | None:
        raise RuntimeError("a bug, with the prompt in it")

    async def end(self, call: Call, outcome: Outcome) -> None:
        raise RuntimeError("and another one")


class Stopping(Step):
    """Has enough after two events."""

    name: ClassVar[str] = "stopping"
    _count: Slot[list[int]] = Slot()

    async def chunk(self, call: Call, event: Event) -> Iterable[Event]:
        count = self._count.get(call) or self._count.put(call, [0])
        count[0] += 1
        call.enough = count[0] >= 2
        return (event,)


class Wanting(Step):
    """Wants every answer to its end, whoever leaves."""

    name: ClassVar[str] = "wanting"

    def wanted(self, call: Call) -> bool:
        return True

    async def end(self, call: Call, outcome: Outcome) -> None:
        LOG.append(f"end:{outcome.cancelled}")


class NotStarting(Step):
    name: ClassVar[str] = "not-starting"

    async def start(self) -> None:
        await asyncio.sleep(0)
        raise UsageError("nowhere to write: give it a folder")


class NoStep:
    """What somebody named by mistake."""


class Failing(Marking):
    """Cannot keep the end of a stream."""

    name: ClassVar[str] = "failing"

    async def last_chunks(self, call: Call) -> Iterable[Event]:
        self._log("last_chunks")
        raise Unavailable("the disk is full")


class SlowToEnd(Marking):
    """Awaits something at its end."""

    name: ClassVar[str] = "slow"
    ending: ClassVar[asyncio.Event]
    may_end: ClassVar[asyncio.Event]

    async def end(self, call: Call, outcome: Outcome) -> None:
        self.ending.set()
        await self.may_end.wait()
        await super().end(call, outcome)
