"""What the sub-commands have in common."""

from typing import Annotated, TypeAlias

import typer

Name: TypeAlias = Annotated[str, typer.Argument(help="Of the InferenceRollout.")]
