"""What was decided for each call, written down: one line of JSON, without its text."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from prometheus_client import Counter
from prometheus_client.registry import Collector
from pydantic import Field, field_validator

from pilotlight.errors import Unavailable, UsageError
from pilotlight_transformer.auditing.record import line, record
from pilotlight_transformer.auditing.sink import RotatedFile, Sink, StandardOutput
from pilotlight_transformer.auditing.writer import Writer
from pilotlight_transformer.pipeline.answer import Answer
from pilotlight_transformer.pipeline.call import Call, Slot
from pilotlight_transformer.pipeline.step import Outcome, Step, StepSettings, Surroundings

STDOUT = "stdout"


class AuditSettings(StepSettings):
    """Settings of the step ``audit``."""

    to: Annotated[str, Field(description="stdout, or the absolute path of a file.")] = STDOUT
    max_bytes: Annotated[
        int, Field(ge=1024, description="A file is set aside before it holds more.")
    ] = 100 * 2**20
    keep: Annotated[int, Field(ge=0, le=1000, description="Files that are set aside.")] = 5
    text: Annotated[bool, Field(description="Write down what was asked and answered, too.")] = False
    max_text_bytes: Annotated[
        int, Field(ge=1, le=8 * 2**20, description="Of what was asked, and of what was answered.")
    ] = 64 * 2**10
    required: Annotated[
        bool, Field(description="Refuse requests while nothing can be written.")
    ] = False
    queue_bytes: Annotated[
        int, Field(ge=2**16, le=2**30, description="Lines that wait to be written.")
    ] = 32 * 2**20

    @field_validator("to")
    @classmethod
    def _is_a_place(cls, to: str) -> str:
        if to != STDOUT and not to.startswith("/"):
            raise ValueError("give stdout, or the absolute path of a file")
        return to


class AuditStep(Step):
    """Stands first, so that it sees every call as it came, and every answer as it went."""

    name = "audit"
    Settings = AuditSettings
    settings: AuditSettings

    def __new__(cls, settings: AuditSettings, surroundings: Surroundings) -> "AuditStep":
        """Only a step that keeps texts has the hooks that see them: they are not free."""
        return super().__new__(_TextAuditStep if settings.text else cls)

    def __init__(self, settings: AuditSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._refused: Slot[bool] = Slot()
        self._records = Counter(
            "pilotlight_transformer_audit_records",
            "Calls that were written down, that could not be, and that were refused for it.",
            ("result",),
            registry=None,
        )

    async def start(self) -> None:
        """Open the file.

        Raises:
            UsageError: It cannot be opened.
        """
        settings = self.settings
        self._writer = Writer(
            self._sink(),
            settings.queue_bytes,
            keep=settings.required,
            counted=lambda written, number: self._records.labels(
                "written" if written else "dropped"
            ).inc(number),
        )

    async def stop(self) -> None:
        """Write what waits."""
        if hasattr(self, "_writer"):
            await self._writer.stop()

    async def request(self, call: Call) -> Answer | None:
        """Refuse what could not be written down, if it must be."""
        if self.settings.required and not self._writer.takes:
            self._refused.put(call, True)
            self._records.labels("refused").inc()
            raise Unavailable(
                "every request must be written down here, and that is not possible at the "
                "moment: try again later",
                retry_after_s=1,
            )
        return None

    async def end(self, call: Call, outcome: Outcome) -> None:
        """Write the call down, unless it was refused because that is not possible."""
        if self._refused.get(call):
            return
        clock = self.surroundings.clock
        fields = record(call, outcome, clock.monotonic(), clock.time())
        self._writer.put(line(fields | self.texts(call)))

    def texts(self, call: Call) -> dict[str, Any]:
        """What else the line says."""
        return {}

    def collectors(self) -> Iterable[Collector]:
        """Records, by what became of them."""
        return (self._records,)

    def _sink(self) -> Sink:
        if self.settings.to == STDOUT:
            return StandardOutput()
        try:
            return RotatedFile(Path(self.settings.to), self.settings.max_bytes, self.settings.keep)
        except OSError as error:
            raise UsageError(
                f"audit: {self.settings.to} cannot be opened ({error.strerror}): give `to` a file "
                "that this process may write"
            ) from None


class _TextAuditStep(AuditStep):
    """Keeps what is answered, up to a bound."""

    def __init__(self, settings: AuditSettings, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._seen: Slot[bytearray] = Slot()

    async def response(self, call: Call, answer: Answer) -> None:
        """See a whole answer."""
        if isinstance(answer.body, bytes):
            self._see(call, answer.body)

    def watch(self, call: Call, data: bytes) -> None:
        """See a stream go by."""
        self._see(call, data)

    def texts(self, call: Call) -> dict[str, Any]:
        """The bodies, as they came and as they went."""
        most = self.settings.max_text_bytes
        answer = self._seen.get(call)
        return {
            "request": call.body[:most].decode("utf-8", "replace"),
            "answer": None if answer is None else answer.decode("utf-8", "replace"),
        }

    def _see(self, call: Call, data: bytes) -> None:
        seen = self._seen.get(call)
        if seen is None:
            seen = self._seen.put(call, bytearray())
        room = self.settings.max_text_bytes - len(seen)
        if room > 0:
            seen += data[:room]
