"""The steps of one file, started together and stopped together."""

import logging
from collections.abc import Iterable, Sequence

from prometheus_client.registry import Collector

from pilotlight.clock import Clock
from pilotlight_transformer.pipeline.call import Call
from pilotlight_transformer.pipeline.configuration import Configuration
from pilotlight_transformer.pipeline.exchange import Exchange
from pilotlight_transformer.pipeline.hooks import Hooks
from pilotlight_transformer.pipeline.step import Client, Predictor, Step, Surroundings, Upstream
from pilotlight_transformer.stores.stores import Stores

logger = logging.getLogger(__name__)


class Pipeline:
    """Steps that have started. Made by :meth:`build`; :meth:`close` when the last call has ended.

    Attributes:
        hooks: Of its steps.
    """

    def __init__(self, steps: Sequence[Step], stores: Stores | None = None) -> None:
        self.hooks = Hooks(steps)
        self._stores = stores

    @classmethod
    async def build(
        cls,
        configuration: Configuration,
        model_name: str,
        predictor: Predictor,
        clock: Clock,
        workers: int = 1,
    ) -> "Pipeline":
        """Make and start every step; if one fails, those before it are stopped again.

        Raises:
            UsageError: A step cannot be used as it is set.
        """
        stores = Stores(configuration.stores)
        surroundings = Surroundings(model_name, predictor, stores, clock, workers)
        pipeline = cls((), stores)
        try:
            for choice in configuration.steps:
                step = choice.step(choice.settings, surroundings)
                pipeline.hooks = Hooks([*pipeline.steps, step])
                await step.start()
        except BaseException:
            await pipeline.close()
            raise
        return pipeline

    @property
    def steps(self) -> tuple[Step, ...]:
        """In the order of the list."""
        return self.hooks.steps

    def open(self, call: Call, upstream: Upstream, client: Client) -> Exchange:
        """A call's way through these steps."""
        return Exchange(self.hooks, upstream, call, client)

    def collectors(self) -> Iterable[Collector]:
        """The metrics of all steps."""
        for step in self.steps:
            yield from step.collectors()

    async def close(self) -> None:
        """Stop every step, the last one first, and close the stores."""
        for step in reversed(self.steps):
            try:
                await step.stop()
            except Exception:
                logger.exception("the step %s could not be stopped", step.name)
        if self._stores is not None:
            await self._stores.close()
