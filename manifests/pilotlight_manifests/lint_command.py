"""``pilotlight manifests lint``: what will hurt, before it is applied."""

from pathlib import Path
from typing import Annotated

import typer


def lint(
    files: Annotated[
        list[Path],
        typer.Argument(help="YAML files, directories, or - for standard input.", allow_dash=True),
    ],
    against: Annotated[
        Path | None,
        typer.Option(help="What is deployed now, a file or directory: finds edits that cost more."),
    ] = None,
    start_phases: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]SOURCE",
            help="A measured start: a metrics page's URL, or a file with it; NAME is the service.",
        ),
    ] = None,
    bandwidth: Annotated[
        float | None, typer.Option(min=1e-6, help="GB/s from the model's storage.")
    ] = None,
    model_size: Annotated[
        float | None, typer.Option(min=1e-6, help="GB of weights, where no name tells it.")
    ] = None,
    gpu_memory: Annotated[
        float | None, typer.Option(min=1e-6, help="GiB of one GPU, where no node selector tells.")
    ] = None,
    tokens_per_request: Annotated[
        int | None, typer.Option(min=1, help="Typical prompt and answer together.")
    ] = None,
    default_mode: Annotated[
        str, typer.Option(help="Where no annotation says it: Knative or Standard.")
    ] = "Knative",
    max_timeout: Annotated[
        int, typer.Option(min=1, help="Knative's max-revision-timeout-seconds.")
    ] = 600,
    default_timeout: Annotated[
        int, typer.Option(min=1, help="Knative's revision-timeout-seconds.")
    ] = 300,
    progress_deadline: Annotated[
        int, typer.Option(min=1, help="Knative's progress-deadline, in seconds.")
    ] = 600,
    select: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="Only this rule; repeat it for more.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="Not this rule; repeat it for more.")
    ] = None,
    severity: Annotated[
        str, typer.Option(help="From where on findings fail: error, warning or info.")
    ] = "warning",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Find what will hurt in KServe YAML before it is applied, with the reason and the number.

    Exit codes: 0 clean, 1 findings, 2 usage. A comment `# lint: ignore RULE` above a line or at its
    end turns a rule off there; above a document's first line, for all of it.
    """
    from rich.console import Console

    from pilotlight.errors import UsageError
    from pilotlight_manifests.lint import files as sources
    from pilotlight_manifests.lint import linter, report
    from pilotlight_manifests.lint import start_phases as measured
    from pilotlight_manifests.lint.finding import Severity
    from pilotlight_manifests.lint.options import Options
    from pilotlight_manifests.lint.quantity import GIB

    if default_mode not in {"Knative", "Standard"}:
        raise UsageError(f"--default-mode is {default_mode!r}: write Knative or Standard")
    if severity not in set(Severity):
        raise UsageError(f"--severity is {severity!r}: write error, warning or info")
    bar = Severity(severity)
    said: list[str] = []
    phases = {}
    for entry in start_phases or []:
        name, separator, source = entry.partition("=")
        named = bool(separator) and "/" not in name and ":" not in name
        phases[name if named else ""] = measured.read(source if named else entry)
    options = Options(
        default_mode=default_mode,
        max_timeout_s=max_timeout,
        default_timeout_s=default_timeout,
        progress_deadline_s=progress_deadline,
        bandwidth=bandwidth * 1e9 if bandwidth else None,
        model_bytes=model_size * 1e9 if model_size else None,
        gpu_memory=gpu_memory * GIB if gpu_memory else None,
        tokens_per_request=tokens_per_request,
        start_phases=phases,
        previous=tuple(sources.read([against], said)) if against else None,
    )
    documents = tuple(sources.read(files, said))
    selection = linter.Selection(frozenset(select or ()), frozenset(ignore or ()))
    findings = linter.lint(documents, options, selection)
    said += linter.notes(documents)
    if json:
        typer.echo(report.dumps(findings, len(documents), said))
    else:
        for note in said:
            typer.echo(f"note: {note}", err=True)
        report.show(findings, len(documents), Console(highlight=False))
    if any(finding.severity.rank <= bar.rank for finding in findings):
        raise typer.Exit(1)
