"""``pilotlight bench run coldstart``."""

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pilotlight.errors import UsageError
from pilotlight_bench import options
from pilotlight_bench.checkout import default_model, logs_folder, results_folder
from pilotlight_bench.cluster.access import find
from pilotlight_bench.coldstart import cluster_figures, figures, on_cluster
from pilotlight_bench.coldstart.benchmark import run
from pilotlight_bench.coldstart.settings import ClusterInputs, Inputs
from pilotlight_bench.machine import describe_machine
from pilotlight_bench.peers import MODEL_NAME, PILOTLIGHT_COMMAND, PLAIN_COMMAND
from pilotlight_bench.report import Table, publish
from pilotlight_bench.result import Result
from pilotlight_bench.termination import orderly_termination

NAME = "coldstart"
NAME_ON_CLUSTER = "coldstart-cluster"


class Place(StrEnum):
    """Where the servers are started."""

    HOST = "host"
    CLUSTER = "cluster"


def coldstart(
    on: Annotated[
        Place, typer.Option("--on", help="As processes here, or as pods that wake from zero.")
    ] = Place.HOST,
    model: options.Model = None,
    engine_args: options.Engine = options.DEFAULT_ENGINE,
    env: options.Environment = None,
    runs: Annotated[int, typer.Option(min=1, help="Counted starts of each side.")] = 5,
    runs_without_bytecode: Annotated[
        int,
        typer.Option(min=0, help="Host: counted starts of plain vLLM as a fresh install has it."),
    ] = 2,
    ours_command: options.OursCommand = None,
    plain_command: options.PlainCommand = None,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Cluster: by default that of `pilotlight cluster up`.")
    ] = None,
    gateway: Annotated[
        str | None, typer.Option(help="Cluster: URL of its ingress gateway, with --kubeconfig.")
    ] = None,
    namespace: Annotated[str, typer.Option(help="Cluster: where the services go.")] = "default",
    storage_uri: Annotated[
        str, typer.Option(help="Cluster: the model, as KServe reads it.")
    ] = "pvc://pilotlight-models/smollm2-135m-instruct",
    image: Annotated[
        str, typer.Option(help="Cluster: of both servers.")
    ] = "dev.local/pilotlight-predictor:dev",
    out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:
    """From exec, or from zero pods, to the first answer; plain vLLM and this predictor in turns."""
    if on is Place.CLUSTER:
        _refuse("host", model=model, ours_command=ours_command, plain_command=plain_command)
        result, tables = _on_cluster(
            ClusterInputs(
                namespace=namespace,
                image=image,
                storage_uri=storage_uri,
                model=MODEL_NAME,
                engine=tuple(engine_args.split()),
                environment=options.environment(env),
                runs=runs,
            ),
            kubeconfig,
            gateway,
        )
    else:
        _refuse("cluster", kubeconfig=kubeconfig, gateway=gateway)
        result, tables = _on_host(
            Inputs(
                model=options.existing_model(model, default_model()),
                engine=tuple(engine_args.split()),
                environment=options.environment(env),
                runs=runs,
                runs_without_bytecode=runs_without_bytecode,
            ),
            options.command(ours_command, PILOTLIGHT_COMMAND),
            options.command(plain_command, PLAIN_COMMAND),
        )
    publish(result, tables, out or results_folder(Path.cwd()), as_json)


def _refuse(place: str, **given: object) -> None:
    """Refuse options that would have no effect."""
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"--{name.replace('_', '-')} works with --on {place} only")


def _on_host(
    inputs: Inputs, ours: tuple[str, ...], plain: tuple[str, ...]
) -> tuple[Result, list[Table]]:
    machine = describe_machine()
    with orderly_termination():
        starts = run(inputs, ours, plain, logs_folder(Path.cwd(), NAME))
    result = Result(
        name=NAME,
        headline=figures.headline(starts),
        machine=machine,
        settings=inputs.model_dump(mode="json", exclude={"model"}) | {"model": inputs.model.name},
        rows=[dataclasses.asdict(start) for start in starts],
    )
    return result, _shown(figures.starts_table(starts), figures.phases_table(starts))


def _on_cluster(
    inputs: ClusterInputs, kubeconfig: Path | None, gateway: str | None
) -> tuple[Result, list[Table]]:
    access, machine = find(kubeconfig, gateway), describe_machine()
    with orderly_termination():
        starts = on_cluster.run(inputs, access)
    result = Result(
        name=NAME_ON_CLUSTER,
        headline=cluster_figures.headline(starts),
        machine=machine,
        settings=inputs.model_dump(mode="json"),
        rows=[dataclasses.asdict(start) for start in starts],
    )
    return result, _shown(
        cluster_figures.starts_table(starts),
        cluster_figures.steps_table(starts),
        cluster_figures.phases_table(starts),
    )


def _shown(*tables: Table | None) -> list[Table]:
    return [table for table in tables if table is not None]
