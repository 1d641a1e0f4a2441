"""Numbers and times in few characters."""

from datetime import datetime

THOUSAND = 1000
NOTHING = "-"


def span(seconds: float) -> str:
    """A time span in two units at most: ``42s``, ``1m 12s``, ``3h 5m``, ``2d 1h``."""
    total = max(0, int(seconds))
    days, hours, minutes = total // 86400, total // 3600 % 24, total // 60 % 60
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (total % 60, "s"))
    first = next((i for i, (number, _) in enumerate(parts) if number), len(parts) - 1)
    return " ".join(f"{number}{unit}" for number, unit in parts[first : first + 2] if number) or (
        "0s"
    )


def ago(then: datetime, now: datetime) -> str:
    """How long ago something was."""
    return f"{span((now - then).total_seconds())} ago"


def count(number: int) -> str:
    """A number in four characters or so: ``402``, ``3.6k``, ``41k``, ``1.2M``."""
    for unit, size in (("M", THOUSAND**2), ("k", THOUSAND)):
        if number >= size:
            value = number / size
            return f"{value:.1f}{unit}" if value < 10 else f"{value:.0f}{unit}"
    return str(number)


def percent(bad: int, total: int) -> str:
    """A share of bad with two telling digits; a dash where nothing came."""
    if not total:
        return NOTHING
    value = 100 * bad / total
    return f"{value:.0f} %" if value >= 10 or value == 0 else f"{value:.2g} %"


def share(bad: int, total: int) -> str:
    """``1.2 % of 3.6k``."""
    return f"{percent(bad, total)} of {count(total)}" if total else NOTHING
