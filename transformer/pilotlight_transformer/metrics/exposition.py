"""Several workers' metrics as those of one server: added up, line by line."""

from collections.abc import Sequence

SINCE = ("_counting_since_seconds", "_created")
"""Since when: of these the smallest is the server's."""


def merged(texts: Sequence[bytes]) -> bytes:
    """Prometheus texts of the same program, as one text.

    Counters, buckets and gauges of the same name and labels are added; of a time since when
    something is counted the earliest stands. ``# HELP`` and ``# TYPE`` come once.

    Args:
        texts: In Prometheus' text format 0.0.4, without timestamps.
    """
    if len(texts) == 1:
        return texts[0]
    families: dict[str, list[str]] = {}
    samples: dict[str, dict[str, float]] = {}
    for text in texts:
        family = ""
        for line in text.decode().splitlines():
            if line.startswith("#"):
                family = line.split(" ", 3)[2]
                comments = families.setdefault(family, [])
                if line not in comments:
                    comments.append(line)
                samples.setdefault(family, {})
            elif line:
                series, _, value = line.rpartition(" ")
                _add(samples.setdefault(family, {}), series, float(value))
    lines: list[str] = []
    for family, known in samples.items():
        lines += families.get(family, [])
        lines += [f"{series} {value!r}" for series, value in known.items()]
    return ("\n".join(lines) + "\n").encode()


def _add(known: dict[str, float], series: str, value: float) -> None:
    if series not in known:
        known[series] = value
    elif series.partition("{")[0].endswith(SINCE):
        known[series] = min(known[series], value)
    else:
        known[series] += value
