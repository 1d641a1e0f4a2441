"""Much work at a time, until all is done or the time for it is over."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def done_in_time(
    items: Iterable[Item],
    work: Callable[[Item], Awaitable[Result]],
    *,
    timeout_s: float,
    at_a_time: int,
) -> list[Result]:
    """What came of the items whose work ended in time, in the order of the items.

    What is cancelled or raises ends the rest.
    """
    waiting = list(items)
    results: dict[int, Result] = {}
    turns = asyncio.Semaphore(at_a_time)

    async def one(index: int, item: Item) -> None:
        async with turns:
            results[index] = await work(item)

    try:
        async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as group:
            for index, item in enumerate(waiting):
                group.create_task(one(index, item))
    except TimeoutError:
        pass
    return [results[index] for index in sorted(results)]
