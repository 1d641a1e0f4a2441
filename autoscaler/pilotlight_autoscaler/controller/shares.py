"""What pools of one budget hold together: kept for all namespaces, whose looks come in any order.

Two things keep the sum within the budget whatever fails in between. A pool counts with what it
holds, claims or is about to hold, whichever is more, until a look has found that it is less. And
while a pool of the group was not seen yet (this process has just begun, or its namespace cannot be
looked at), nobody of the group gets more than it holds.
"""

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from pilotlight_autoscaler.policy.budget.group import Member, share_out

Who = str
"""``namespace/name`` of a pool."""


class Shares:
    """The members of all groups."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[Who, Member]] = {}
        self._deciding = threading.Lock()

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """One namespace at a time is decided on."""
        with self._deciding:
            yield

    def put(self, group: str, member: Member) -> None:
        """What a look has found of a pool: what it asks for and holds."""
        self.drop(member.ask.pool, but=group)
        self._groups.setdefault(group, {})[member.ask.pool] = member

    def holds(self, group: str, who: Who, replicas: int) -> None:
        """A pool is about to hold so many: as long as it may hold more, that counts."""
        member = self._groups[group][who]
        more = max(member.held.replicas, replicas)
        self._groups[group][who] = replace(member, held=replace(member.held, replicas=more))

    def drop(self, who: Who, *, but: str = "") -> None:
        """A pool that is gone, or belongs to another group now."""
        for group, members in self._groups.items():
            if group != but:
                members.pop(who, None)

    def grants(self, group: str, everybody: Collection[Who]) -> Mapping[Who, int]:
        """Replicas that each member may keep warm.

        Args:
            group: Whose.
            everybody: All pools of it that there are.
        """
        members = self._groups.get(group, {})
        given = share_out(list(members.values()))
        unseen = set(everybody) - members.keys()
        return {
            who: min(grant.replicas, members[who].held.replicas) if unseen else grant.replicas
            for who, grant in given.items()
        }
