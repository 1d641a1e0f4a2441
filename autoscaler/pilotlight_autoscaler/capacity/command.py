"""``pilotlight warmpool plan``."""

from pathlib import Path
from typing import Annotated

import typer


def plan(
    profile: Annotated[
        list[Path],
        typer.Option(
            help="What one replica was measured to do: a profile (docs/capacity.md), results of "
            "`vllm bench serve --save-result` (their folder), or bench/results/predictor.json."
        ),
    ],
    prompt_tokens: Annotated[
        float | None, typer.Option(min=1, help="Of an average request; as measured, if not given.")
    ] = None,
    output_tokens: Annotated[
        float | None, typer.Option(min=1, help="Of an average answer; as measured, if not given.")
    ] = None,
    users: Annotated[
        float | None,
        typer.Option(min=1, max=1e6, help="Who each wait for an answer, then think."),
    ] = None,
    think_time: Annotated[
        float, typer.Option(min=0, help="Seconds from an answer to the next request.")
    ] = 0.0,
    rate: Annotated[
        float | None,
        typer.Option(min=0.000001, max=1e5, help="Requests a second, instead of users."),
    ] = None,
    ttft_p99: Annotated[
        float | None, typer.Option(min=0.001, help="Limit of the time to the first token, s.")
    ] = None,
    e2e_p99: Annotated[
        float | None, typer.Option(min=0.001, help="Limit of the whole request, s.")
    ] = None,
    tpot_p99: Annotated[
        float | None, typer.Option(min=0.0001, help="Limit of the time for each token, s.")
    ] = None,
    prompt_cv: Annotated[
        float, typer.Option(min=0, max=10, help="Scatter of prompts: deviation over mean.")
    ] = 0.0,
    output_cv: Annotated[float, typer.Option(min=0, max=10, help="The same of answers.")] = 0.0,
    peak_to_mean: Annotated[
        float, typer.Option(min=1, max=100, help="The peak, as a multiple of the traffic given.")
    ] = 1.0,
    ramp_minutes: Annotated[
        float | None,
        typer.Option(min=0.01, help="From the mean (from nothing, without a peak) to the peak."),
    ] = None,
    waiting: Annotated[
        float, typer.Option(min=0.000001, max=0.5, help="Share that may find all slots taken.")
    ] = 0.01,
    spare: Annotated[int, typer.Option(min=0, help="Replicas that may fail at once.")] = 1,
    rollout_surge: Annotated[
        float, typer.Option(min=0, max=1, help="New replicas beside the old ones in a rollout.")
    ] = 1.0,
    queues: Annotated[
        str,
        typer.Option(
            metavar="each|pooled",
            help="Where requests wait for a slot: at the replica picked, or in an activator.",
        ),
    ] = "each",
    activators: Annotated[
        int, typer.Option(min=1, help="With --queues pooled: that share the replicas.")
    ] = 3,
    configuration: Annotated[
        list[str] | None, typer.Option(help="Only this one of the profile; again for more.")
    ] = None,
    price: Annotated[
        float | None, typer.Option(min=0, help="Of a GPU-hour, instead of the profile's.")
    ] = None,
    start_seconds: Annotated[
        float | None, typer.Option(min=0, help="Start of a replica, instead of the profile's.")
    ] = None,
    name: Annotated[str, typer.Option(help="Of the InferenceService in --manifests.")] = "chat",
    manifests: Annotated[
        bool, typer.Option("--manifests", help="Print only the YAML of the cheapest plan.")
    ] = False,
    diagram: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw the cheapest plan there.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """How many replicas for this traffic, and how to tell Knative, from measured figures.

    "P99 under 2 s" must say of what: --ttft-p99 2 or --e2e-p99 2.
    """
    import json

    import yaml

    from pilotlight.errors import UsageError
    from pilotlight_autoscaler.capacity.choice import choose, lengths_of
    from pilotlight_autoscaler.capacity.diagram import draw
    from pilotlight_autoscaler.capacity.knative import manifests as snippets
    from pilotlight_autoscaler.capacity.plan import Question, plans
    from pilotlight_autoscaler.capacity.reading import read
    from pilotlight_autoscaler.capacity.report import document
    from pilotlight_autoscaler.capacity.staffing import Queues, Reserve
    from pilotlight_autoscaler.capacity.traffic import Limits, Sizes, Traffic
    from pilotlight_autoscaler.capacity.view import text

    if (users is None) == (rate is None):
        raise UsageError("give --users (with --think-time), or --rate")
    if queues not in list(Queues):
        raise UsageError(f"--queues {queues}: it is one of {', '.join(Queues)}")
    if rate is not None and think_time:
        raise UsageError("--think-time belongs to --users")
    if ttft_p99 is None and e2e_p99 is None and tpot_p99 is None:
        raise UsageError(
            "a limit is needed: --ttft-p99 (first token), --e2e-p99 (whole request) or --tpot-p99; "
            '"P99 under 2 s" can mean the first or the second'
        )
    model, known = read(profile)
    chosen = choose(known, configuration or [], price, start_seconds)
    question = Question(
        Traffic(
            Sizes(lengths_of(chosen[0], prompt_tokens, output_tokens), prompt_cv, output_cv),
            users,
            think_time,
            rate,
            peak_to_mean,
            None if ramp_minutes is None else ramp_minutes * 60,
        ),
        Limits(ttft_p99, e2e_p99, tpot_p99),
        Reserve(waiting, spare, rollout_surge, Queues(queues), activators),
    )
    found, rejected = plans(chosen, question)
    if diagram is not None:
        try:
            diagram.write_text(draw(found[0], question), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{diagram} cannot be written: {error}") from error
    if manifests:
        typer.echo(yaml.safe_dump_all(snippets(found[0].knative, name), sort_keys=False), nl=False)
    elif as_json:
        typer.echo(json.dumps(document(model, question, found, rejected, name), indent=1))
    else:
        typer.echo(text(model, question, found, rejected))
