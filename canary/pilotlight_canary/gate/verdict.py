"""From findings to what becomes of a task."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pilotlight.api.gate import Comparison
from pilotlight.api.rollout_status import TaskState
from pilotlight.clock import Clock
from pilotlight.errors import PilotlightError
from pilotlight.kube.cluster import Cluster
from pilotlight_canary.gate.finding import Finding
from pilotlight_canary.gate.report import report
from pilotlight_canary.gate.report_map import keep
from pilotlight_canary.gate.subject import Subject
from pilotlight_canary.gate.tally import Tally, tally
from pilotlight_canary.gate.thresholds import Measure, doubt, measures, stable_is_out
from pilotlight_canary.observation import TaskResult


@dataclass(frozen=True)
class Verdict:
    """What a gate decides, and why in words and numbers."""

    state: TaskState
    sentence: str
    tally: Tally
    measures: tuple[Measure, ...]


def judged(findings: Sequence[Finding], prompts: int, allowed: Comparison) -> Verdict:
    """Hold the findings against what the spec allows.

    What is over a limit refuses the canary, even if not all could be asked. It passes only where
    everything was. While stable does not answer either, nothing is said of the canary.

    Args:
        findings: Of the prompts that were done in time.
        prompts: How many there are.
        allowed: The thresholds.
    """
    counted = tally(findings, prompts, allowed.refusal_phrases)
    measured = measures(counted, allowed)
    out = stable_is_out(counted)
    if out is not None:
        return Verdict(TaskState.WAITING, out, counted, measured)
    over = [measure for measure in measured if measure.is_over]
    if over:
        sentence = "; ".join(_against(measure) for measure in over)
        return Verdict(TaskState.REFUSED, sentence, counted, measured)
    wanting = doubt(counted, allowed)
    if wanting is not None:
        undone = next((f.undone for f in findings if f.undone), "")
        sentence = f"{wanting}: {undone}" if undone else wanting
        return Verdict(TaskState.WAITING, sentence, counted, measured)
    sentence = "; ".join(measure.sentence for measure in measured)
    return Verdict(TaskState.PASSED, f"{counted.compared} prompts: {sentence}", counted, measured)


async def concluded(
    subject: Subject,
    cluster: Cluster,
    clock: Clock,
    gate: str,
    verdict: Verdict,
    findings: Sequence[Finding],
    *,
    shows_texts: bool,
) -> TaskResult:
    """Keep the report, and say what came of it; a verdict counts without its report, too."""
    at = datetime.fromtimestamp(clock.time(), tz=UTC).replace(microsecond=0)
    document = report(
        subject,
        at,
        f"{verdict.state}: {verdict.sentence}",
        verdict.tally,
        verdict.measures,
        findings,
        shows_texts=shows_texts,
    )
    summary = f"{verdict.state}: {verdict.sentence}\n"
    try:
        link = await keep(cluster, subject, gate, summary, document)
    except PilotlightError as error:
        lost = f"{verdict.sentence} (its report could not be kept: {error})"
        return TaskResult(verdict.state, lost)
    return TaskResult(verdict.state, verdict.sentence, link)


def _against(measure: Measure) -> str:
    limit = f"{measure.limit:g}" if measure.limit is not None else "none"
    value = "without bound" if measure.value == float("inf") else f"{measure.value:.3g}"
    return f"{measure.sentence} ({measure.name} is {limit}, this is {value})"
