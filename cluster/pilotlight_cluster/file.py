"""Files that are whole or not there, whatever happens while they are written."""

from pathlib import Path


def write(file: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write a file and put it in its place at once, with its folder if that is missing.

    Args:
        mode: Who may read it, from the first byte on.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=mode)
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    temporary.replace(file)
