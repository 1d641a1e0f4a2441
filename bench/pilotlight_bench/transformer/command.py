"""``pilotlight bench run transformer``."""

from pathlib import Path
from typing import Annotated

import typer

from pilotlight_bench import options
from pilotlight_bench.checkout import logs_folder, results_folder
from pilotlight_bench.machine import describe_machine
from pilotlight_bench.report import publish
from pilotlight_bench.result import Result
from pilotlight_bench.termination import orderly_termination

NAME = "transformer"


def transformer(
    rounds: Annotated[int | None, typer.Option(min=1, help="Of all peers and loads.")] = None,
    envoy: Annotated[bool, typer.Option(help="Compare with plain Envoy.")] = True,
    litellm: Annotated[
        bool, typer.Option(help="Compare with LiteLLM; uv installs it the first time.")
    ] = True,
    http_cores: Annotated[
        bool, typer.Option("--http-cores", help="Bare forwarders on granian and aiohttp, too.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A smoke run: no figure counts.")] = False,
    out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:
    """The same load through this transformer, plain Envoy and LiteLLM's proxy, one core each."""
    from pilotlight_bench.transformer import figures, peers
    from pilotlight_bench.transformer.litellm import BEST, VERSION
    from pilotlight_bench.transformer.pipelines import PIPELINES
    from pilotlight_bench.transformer.settings import FULL, QUICK
    from pilotlight_bench.transformer.stage import Cores, Stage
    from pilotlight_bench.transformer.wrk import find

    find()
    machine, cores = describe_machine(), Cores.of_this_machine()
    plan = QUICK if quick else FULL
    plan = plan.model_copy(update={"rounds": rounds or plan.rounds})
    compared = [
        *(peers.pilotlight(pipeline) for pipeline in peers.OURS),
        *([peers.plain_envoy()] if envoy else []),
        *([peers.litellm_proxy()] if litellm else []),
        *(peers.bare_forwarders() if http_cores else []),
    ]
    heavy = [peers.EMPTY, peers.AUTH, *([peers.ENVOY] if envoy else [])]
    name = NAME + ("-quick" if quick else "")
    folder = logs_folder(Path.cwd(), name)
    folder.mkdir(parents=True, exist_ok=True)
    with orderly_termination():
        findings = Stage(plan, cores, folder).run(compared, heavy)
    result = Result(
        name=name,
        headline=figures.headline(findings),
        machine=machine,
        settings={
            **plan.model_dump(mode="json"),
            "goals": figures.GOALS,
            "pipelines": PIPELINES,
            "litellm": f"{VERSION} {' '.join(BEST)}" if litellm else None,
        },
        rows=findings.rows(),
    )
    publish(result, figures.tables(findings), out or results_folder(Path.cwd()), as_json)
