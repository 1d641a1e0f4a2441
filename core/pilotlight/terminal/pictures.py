"""Files that pictures are drawn into."""

from pathlib import Path

from pilotlight.errors import UsageError

FORMATS = (".png", ".svg", ".pdf")


def refuse_format(file: Path) -> None:
    """Nothing, if such a file can be drawn.

    Raises:
        UsageError: By its ending it is no picture, or its folder is not there.
    """
    if file.suffix not in FORMATS:
        raise UsageError(f"{file} is no picture by its ending: one of {', '.join(FORMATS)}")
    if not file.parent.is_dir():
        raise UsageError(f"there is no folder {file.parent}")
