"""``pilotlight warmpool simulate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pilotlight.terminal.options import Context, Json, Kubeconfig, Namespace, opened

if TYPE_CHECKING:
    from pilotlight.api.warmpool import Prices, WarmPoolPolicy
    from pilotlight_autoscaler.simulation.remembered import Remembered
    from pilotlight_autoscaler.simulation.service import Start


def simulate(
    history: Annotated[
        Path | None,
        typer.Option(
            help="Requests: CSV with time[,duration][,prompt_tokens,output_tokens], the Azure LLM "
            "trace, Mooncake's JSON lines, or a ServeGen trace; in gzip or not."
        ),
    ] = None,
    pool: Annotated[
        str | None,
        typer.Option(help="Instead of a file: a WarmPool of the cluster, with its own past."),
    ] = None,
    prometheus: Annotated[
        str, typer.Option(help="That remembers the pool's past; by default its metricsServer.")
    ] = "",
    days: Annotated[float, typer.Option(min=0.1, help="How far back Prometheus is asked.")] = 14.0,
    spec: Annotated[
        Path | None, typer.Option(help="A WarmPool; the defaults if there is none.")
    ] = None,
    cold_start: Annotated[
        list[float] | None,
        typer.Option(help="Seconds of a start, as measured; several are taken in turn."),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(help="Another policy, again and again: knative, retention-15m, fixed-1, …"),
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(help="HOUR:WAIT, of a replica's hour and of a request that waits."),
    ] = None,
    target: Annotated[
        float | None, typer.Option(min=0.01, help="Knative's concurrency target of a replica.")
    ] = None,
    container_concurrency: Annotated[
        int, typer.Option(min=0, help="Knative's hard limit of a replica; 0: none.")
    ] = 0,
    max_running: Annotated[
        int, typer.Option(min=0, help="Requests that the model server runs at a time; 0: any.")
    ] = 0,
    max_scale: Annotated[int, typer.Option(min=0, help="Most replicas; 0: any.")] = 0,
    duration: Annotated[
        float, typer.Option(min=0.001, help="Seconds of a request, if the file says nothing.")
    ] = 5.0,
    client: Annotated[str | None, typer.Option(help="Of a ServeGen trace.")] = None,
    single_up_to: Annotated[
        int | None,
        typer.Option(min=0, help="Of more requests busy stretches become rates (2,000,000)."),
    ] = None,
    warm_pool: Annotated[bool, typer.Option(help="The warm pool itself, or others only.")] = True,
    plot: Annotated[
        Path | None, typer.Option(help="Draw demand, replicas and floor (.png, .svg, .pdf).")
    ] = None,
    as_json: Json = False,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """What a warm pool would have done on a recorded history, and what others would have."""
    import json
    import sys

    from pilotlight.errors import UsageError
    from pilotlight.terminal.pictures import refuse_format
    from pilotlight_autoscaler.kpa.settings import KpaSettings
    from pilotlight_autoscaler.simulation import contest, picture, table
    from pilotlight_autoscaler.simulation.recorded import SINGLE_UP_TO, Pace, read_load
    from pilotlight_autoscaler.simulation.remembered import load_of
    from pilotlight_autoscaler.simulation.service import ServiceModel

    if (history is None) == (pool is None):
        raise UsageError("give one of --history FILE and --pool NAME")
    if plot is not None:
        refuse_format(plot)
    own = _own(pool, prometheus, days, namespace, kubeconfig, context) if pool else None
    policy = own[0] if own and spec is None else _spec(spec)
    prices = _prices(price, policy)
    if policy.prices is None and policy.target is None:
        policy = policy.model_copy(update={"prices": prices})
    measured = [own[1].cold_start_s] if own and own[1].cold_start_s else None
    service = ServiceModel(_starts(cold_start or measured), container_concurrency, max_running)
    if service.slots:
        single_up_to = sys.maxsize  # a waiting line needs single requests
    most = SINGLE_UP_TO if single_up_to is None else single_up_to
    if own:
        load, target = load_of(own[1].demand, most), target or own[1].target
    else:
        load = read_load(history or Path(), Pace(request_s=duration), client, most)
    world = contest.World(
        load,
        service,
        KpaSettings(
            target=target, container_concurrency=container_concurrency, max_scale=max_scale
        ),
        policy,
    )
    others = against or (*(("schedule",) if policy.schedules else ()), *contest.USUAL)
    ours = (contest.OURS,) if warm_pool else ()
    results = contest.compare(world, dict.fromkeys((*ours, *others)))
    if plot is not None:
        picture.save(results, load, plot)
    if as_json:
        typer.echo(json.dumps([table.document(result, prices) for result in results]))
        return
    length = (results[0].outcome.end_s - results[0].outcome.start_s) / 86400
    typer.echo(f"{load.requests:,} requests in {length:.1f} days\n{table.text(results, prices)}")
    if own and own[1].unknown:
        typer.echo(f"of {own[1].unknown:.0%} of the time nothing is known: taken for idle")
    if plot is not None:
        typer.echo(f"wrote {plot}")


def _own(
    name: str,
    prometheus: str,
    days: float,
    namespace: str | None,
    kubeconfig: Path | None,
    context: str | None,
) -> "tuple[WarmPoolPolicy, Remembered]":
    """A pool's policy, and what is remembered of its service."""
    import time

    from pilotlight.api.present import one_of
    from pilotlight.api.stored import understood
    from pilotlight.api.warmpool import WarmPool
    from pilotlight.kube.kinds import WARM_POOL
    from pilotlight_autoscaler.simulation.remembered import remembered

    with opened(kubeconfig, context, namespace) as (cluster, home):
        document = one_of(cluster, WARM_POOL, name, home, "pilotlight warmpool list -A")
        pool = understood(WarmPool, document)
        return pool.spec, remembered(cluster, pool, prometheus, days, time.time())


def _starts(given: list[float] | None) -> "Start":
    from pilotlight.errors import UsageError

    starts = tuple(given or [60.0])
    if min(starts) <= 0:
        raise UsageError("--cold-start: a start takes more than no time")
    return starts


def _prices(given: str | None, spec: "WarmPoolPolicy") -> "Prices":
    from pydantic import ValidationError

    from pilotlight.api.warmpool import Prices
    from pilotlight.errors import UsageError
    from pilotlight_autoscaler.policy.prices import UNPRICED

    if given is None:
        return spec.prices or UNPRICED
    hour, _, wait = given.partition(":")
    try:
        return Prices(replica_hour=float(hour), cold_start=float(wait))
    except (ValueError, ValidationError) as error:
        raise UsageError(
            f"--price {given!r} is not HOUR:WAIT, two amounts that are not negative"
        ) from error


def _spec(file: Path | None) -> "WarmPoolPolicy":
    from pydantic import ValidationError

    from pilotlight.api.warmpool import WarmPool, WarmPoolPolicy
    from pilotlight.errors import ManifestError

    if file is None:
        return WarmPoolPolicy()
    for document in _documents(file):
        if isinstance(document, dict) and document.get("kind") == "WarmPool":
            try:
                return WarmPool.model_validate(document).spec
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                raise ManifestError(f"{file}: {where}: {first['msg']}") from error
    raise ManifestError(f"{file} holds no WarmPool")


def _documents(file: Path) -> list[object]:
    import yaml

    from pilotlight.errors import ManifestError

    try:
        return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ManifestError(f"{file} cannot be read: {error}") from error
