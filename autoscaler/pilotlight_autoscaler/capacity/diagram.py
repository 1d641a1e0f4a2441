"""A plan as a picture: where requests go, with the numbers."""

from html import escape

from pilotlight_autoscaler.capacity.plan import Plan, Question
from pilotlight_autoscaler.capacity.view import number

BOX, GAP, TOP, HEIGHT = 200, 44, 24, 132
INK, LINE, FILL, FLAME = "#1f2933", "#7b8794", "#f5f7fa", "#fff3e0"

Box = tuple[str, tuple[str, ...], str]


def draw(plan: Plan, question: Question) -> str:
    """An SVG: users, gateway, activator, replicas; below them the warm pool and the reserves."""
    boxes = _boxes(plan, question)
    width = len(boxes) * BOX + (len(boxes) - 1) * GAP + 2 * GAP
    height = TOP + HEIGHT + 156
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"',
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13" fill="{INK}">',
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">',
        f'<path d="M0,0 L8,4 L0,8 z" fill="{LINE}"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for index, box in enumerate(boxes):
        left = GAP + index * (BOX + GAP)
        parts += _box(left, TOP, BOX, HEIGHT, box)
        if index:
            parts.append(_arrow(left - GAP + 4, TOP + HEIGHT // 2, left - 2, TOP + HEIGHT // 2))
    parts += _pool(plan, width)
    return "\n".join([*parts, "</svg>\n"])


def _boxes(plan: Plan, question: Question) -> tuple[Box, ...]:
    traffic, load, level = question.traffic, plan.load, plan.point.level
    if traffic.users is None:
        who: tuple[str, ...] = (f"{number(load.requests_per_s)} requests/s",)
    else:
        who = (f"{load.users:,.0f} users", f"{traffic.think_s:g} s to think")
    lengths = traffic.sizes.mean
    knative, staff = plan.knative, plan.staff
    return (
        (
            "people",
            (*who, f"{lengths.prompt:,.0f} tokens in", f"{lengths.output:,.0f} tokens out"),
            FILL,
        ),
        (
            "gateway",
            (
                f"{number(load.requests_per_s)} requests/s",
                f"{load.requests_per_s * lengths.output:,.0f} tokens/s out",
                f"{load.in_flight:,.0f} in flight",
            ),
            FILL,
        ),
        (
            "activator",
            (
                ("always in the path,", "a queue in each,", "replicas divided among them")
                if knative.burst_capacity < 0
                else ("only from zero replicas;", "each replica has", "a queue of its own")
            ),
            FILL,
        ),
        (
            f"{staff.total:,} replicas, {plan.gpus:,} GPUs",
            (
                f"{plan.point.slots:,} at a time each",
                f"TTFT P99 {level.ttft_s:.3g} s",
                f"end to end P99 {level.e2e_s:.3g} s",
                f"target {knative.target} at {knative.utilisation_percent} %",
            ),
            FLAME,
        ),
    )


def _pool(plan: Plan, width: int) -> list[str]:
    """What the replicas are made of."""
    staff = plan.staff
    shares = (
        (f"{staff.for_load:,} for the load", staff.for_load, "#f2994a"),
        (
            f"{staff.for_variability - staff.for_load:,} for variability",
            staff.for_variability - staff.for_load,
            "#f6c28b",
        ),
        (
            f"{staff.total - staff.for_variability:,} may fail",
            staff.total - staff.for_variability,
            "#cbd2d9",
        ),
    )
    top, left, room = TOP + HEIGHT + 54, float(GAP), width - 2 * GAP
    right_box = GAP + 3 * (BOX + GAP) + BOX // 2
    parts = [
        _arrow(right_box, top - 4, right_box, TOP + HEIGHT + 4),
        _text(left, top - 12, f"warm pool: floor {staff.floor:,}, ceiling {staff.total:,}", True),
    ]
    for _, count, colour in shares:
        wide = round(room * count / staff.total, 1)
        parts.append(f'<rect x="{left:g}" y="{top}" width="{wide}" height="26" fill="{colour}"/>')
        left = round(left + wide, 1)
    parts.append(
        f'<rect x="{GAP}" y="{top}" width="{room}" height="26" fill="none" stroke="{LINE}"/>'
    )
    left = float(GAP)
    for words, _, colour in shares:
        parts.append(f'<rect x="{left:g}" y="{top + 38}" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(left + 18, top + 49, words))
        left += 190
    ahead = "" if staff.warm_ahead is None else f"{staff.warm_ahead:,} warm ahead of the ramp; "
    horizon = "" if staff.horizon_s is None else f"look-ahead {staff.horizon_s:g} s; "
    parts.append(
        _text(GAP, top + 80, f"{horizon}{ahead}{staff.rollout:,} replicas during a rollout")
    )
    return parts


def _box(left: int, top: int, width: int, height: int, box: Box) -> list[str]:
    title, lines, fill = box
    parts = [
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="8" fill="{fill}"',
        f'stroke="{LINE}"/>',
        _text(left + 12, top + 24, title, True),
    ]
    return parts + [_text(left + 12, top + 48 + 20 * i, line) for i, line in enumerate(lines)]


def _text(left: float, top: float, words: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{left:g}" y="{top:g}"{weight}>{escape(words)}</text>'


def _arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{LINE}" stroke-width="2" '
        'marker-end="url(#tip)"/>'
    )
