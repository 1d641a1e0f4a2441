"""Numbers, times and phases in few characters."""

from datetime import datetime

from pilotlight.api.rollout_status import Phase

TONES = {
    Phase.IDLE: "dim",
    Phase.HELD: "yellow",
    Phase.NO_CAPACITY: "bold yellow",
    Phase.WARMING: "yellow",
    Phase.GATING: "yellow",
    Phase.PROGRESSING: "cyan",
    Phase.PAUSED: "bold yellow",
    Phase.PROMOTING: "green",
    Phase.WATCHING: "green",
    Phase.SUCCEEDED: "bold green",
    Phase.ROLLING_BACK: "red",
    Phase.ROLLED_BACK: "bold red",
}
MEANINGS = {
    Phase.IDLE: "nothing is rolled out",
    Phase.HELD: "a new version gets no traffic yet",
    Phase.NO_CAPACITY: "no room for the new version's pods",
    Phase.WARMING: "the new version starts and is warmed up",
    Phase.GATING: "the new version is tested without traffic",
    Phase.PROGRESSING: "the new version is judged step by step",
    Phase.PAUSED: "waits for a person",
    Phase.PROMOTING: "the new version gets all traffic",
    Phase.WATCHING: "promoted; the old version stays warm for a while",
    Phase.SUCCEEDED: "promoted",
    Phase.ROLLING_BACK: "the old version gets all traffic back",
    Phase.ROLLED_BACK: "taken back",
}
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
