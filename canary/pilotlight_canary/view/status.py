"""One rollout on a screen: where it stands, why, and on what grounds."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from pilotlight.api.duration import text as duration
from pilotlight.api.meta import Mode
from pilotlight.api.rollout_status import Phase
from pilotlight.terminal.numbers import ago, span
from pilotlight_canary.view.bar import Bar
from pilotlight_canary.view.evidence import evidence_table
from pilotlight_canary.view.seen import PodSeen, Seen
from pilotlight_canary.view.wording import MEANINGS, TONES

STEPPING = (Phase.PROGRESSING, Phase.PAUSED)
PROMOTED = (Phase.WATCHING, Phase.SUCCEEDED)
TAKEN_BACK = (Phase.ROLLING_BACK, Phase.ROLLED_BACK)
MOST_PODS = 6
EVENTS = 5


def render(seen: Seen, events: int = EVENTS) -> RenderableType:
    """Everything that is known of a rollout."""
    parts: list[RenderableType] = [_head(seen), Text()]
    if _roles(seen):
        parts += [_versions(seen), Text()]
    if seen.status.canary_revision:
        parts += [_steps(seen), Text()]
    if seen.status.evidence:
        parts += [evidence_table(seen), Text()]
    parts.append(_details(seen, events))
    return Group(*parts)


def _head(seen: Seen) -> RenderableType:
    status, metadata = seen.status, seen.rollout.metadata
    line = Table.grid(expand=True)
    line.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    line.add_column(justify="right", no_wrap=True)
    target = f"InferenceService {seen.rollout.spec.target_ref.name}, {status.component.value}"
    name = Text.assemble((metadata.name, "bold"), (f"  {metadata.namespace} · {target}", "dim"))
    line.add_row(name, Text.assemble((status.phase.value, TONES[status.phase])))
    return Group(line, Rule(style="dim"), Text(MEANINGS[status.phase], TONES[status.phase]))


def _versions(seen: Seen) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for role, revision, style in _roles(seen):
        percent = seen.share(revision)
        shown = _told(seen, revision) if percent is None else percent
        table.add_row(
            Text(role, "bold"),
            revision,
            Bar(shown / 100, style, width=60),
            f"{shown} %" if percent is not None else f"({shown} %)",
            _readiness(seen.pods_of(revision)),
        )
    return table


def _roles(seen: Seen) -> list[tuple[str, str, str]]:
    """What each revision is by now, its name and its colour."""
    status = seen.status
    if not status.canary_revision:
        records = status.components.values()
        return [("serves", record.stable, "blue") for record in records if record.stable]
    if status.stable_revision == status.canary_revision:
        return [("serves", status.canary_revision, "green")]
    promoted = status.phase in PROMOTED
    return [
        ("old" if promoted else "stable", status.stable_revision, "blue"),
        ("new" if promoted else "canary", status.canary_revision, _canary_style(status.phase)),
    ]


def _canary_style(phase: Phase) -> str:
    if phase in TAKEN_BACK:
        return "red"
    return "green" if phase in PROMOTED else "yellow"


def _told(seen: Seen, revision: str) -> int:
    weight = seen.status.weight
    if not seen.status.canary_revision:
        return 100
    return weight if revision == seen.status.canary_revision else 100 - weight


def _readiness(pods: Iterable[PodSeen]) -> Text:
    staying = [pod for pod in pods if pod.state != "stopping"]
    if not staying:
        return Text("no pods", "dim")
    ready = sum(pod.ready for pod in staying)
    words = f"{ready} of {len(staying)} pod{'s' if len(staying) != 1 else ''} ready"
    return Text(words, "" if ready == len(staying) else "yellow")


def _steps(seen: Seen) -> Text:
    status = seen.status
    weights = (*seen.rollout.spec.analysis.weights, 100)
    line = Text()
    for number, weight in enumerate(weights, start=1):
        mark, style = _mark(seen, number, len(weights))
        line.append(f"{mark} {weight} %", style).append("   ")
    if status.phase in STEPPING and status.step_started_at is not None:
        longest = duration(seen.rollout.spec.analysis.max_duration)
        line.append(f" watched {span(status.watched_seconds)} of {longest}", "dim")
    return line


def _mark(seen: Seen, number: int, last: int) -> tuple[str, str]:
    status = seen.status
    if status.phase in PROMOTED or (number < status.step):
        return "✓", "green"
    if status.phase is Phase.PROMOTING:
        return ("●", "bold green") if number == last else ("✓", "green")
    if number == status.step:
        return ("✗", "bold red") if status.phase in TAKEN_BACK else ("●", f"bold {_tone(seen)}")
    return "○", "dim"


def _tone(seen: Seen) -> str:
    return "yellow" if seen.status.phase is Phase.PAUSED else "cyan"


def _details(seen: Seen, events: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1)
    for name, content in _facts(seen):
        table.add_row(name, content)
    for i, pod in enumerate(_telling(seen)):
        table.add_row("" if i else "Pods", _pod(seen, pod))
    for i, event in enumerate(seen.events[-events:] if events else ()):
        text = Text.assemble(
            (f"{ago(event.at, seen.at):>10}  ", "dim"),
            (f"{event.reason}  ", "yellow" if event.warning else "bold"),
            " ".join(event.message.split()),
            no_wrap=True, overflow="ellipsis",
        )  # fmt: skip
        table.add_row("" if i else "Events", text)
    return table


def _facts(seen: Seen) -> Iterable[tuple[str, Text]]:
    status, spec = seen.status, seen.rollout.spec
    if status.reason:
        yield "Why", Text(status.reason, TONES[status.phase] if status.phase in TAKEN_BACK else "")
    if status.phase is Phase.WATCHING and status.rollback_until is not None:
        left = span((status.rollback_until - seen.at).total_seconds())
        yield "Until", Text(f"the old version stays warm for {left} more; abort goes back to it")
    if status.tasks:
        yield "Tasks", Text(", ".join(f"{name} {state}" for name, state in status.tasks.items()))
    if status.report:
        yield "Report", Text(status.report)
    if spec.suspend:
        yield "Note", Text("suspended: nothing is done until spec.suspend is false", "yellow")
    if spec.mode is Mode.DRY_RUN:
        yield "Note", Text("dry run: says what it would do, and writes nothing", "yellow")
    for note in seen.notes:
        yield "Note", Text(note, "yellow")
    if seen.controller.alive is False:
        yield "Note", Text(f"no controller runs: {seen.controller.words}", "bold red")


def _telling(seen: Seen) -> tuple[PodSeen, ...]:
    """The pods of the canary, and others that are not ready."""
    canary = seen.status.canary_revision
    telling = [pod for pod in seen.pods if pod.revision == canary or not pod.ready]
    return tuple(telling[:MOST_PODS])


def _pod(seen: Seen, pod: PodSeen) -> Text:
    style = "green" if pod.ready else "dim" if pod.state == "stopping" else "yellow"
    age = span((seen.at - pod.created_at).total_seconds())
    text = Text.assemble((pod.state, style), f"  {pod.name}", (f"  {age} old", "dim"))
    if pod.restarts:
        text.append(f"  {pod.restarts} restart{'s' if pod.restarts != 1 else ''}", "bold red")
    return text
