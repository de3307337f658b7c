"""One claim of the design, for three designs on one rig, and how it reads."""

from collections.abc import Sequence
from dataclasses import dataclass
import json
from typing import Final

from rigs.bench.report import number

BEGIN: Final = "<!-- written by script/bench claims: begin -->"
END: Final = "<!-- written by script/bench claims: end -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A number of each design; None where it makes no sense."""

    name: str
    what: str
    clip: float | None
    timer: float | None
    ours: float
    how: str


def as_json(claims: Sequence[Claim]) -> str:
    """Return one flat object; the others' numbers carry `.clip` and `.timer`."""
    numbers: dict[str, float] = {}
    for claim in claims:
        numbers[f"claims.{claim.name}"] = round(claim.ours, 5)
        for suffix, value in (("clip", claim.clip), ("timer", claim.timer)):
            if value is not None:
                numbers[f"claims.{claim.name}.{suffix}"] = round(value, 5)
    return json.dumps(numbers, indent=2) + "\n"


def table(claims: Sequence[Claim]) -> list[str]:
    """Return the lines of the table."""
    return [
        "| claim | clip upload | 5 s timer | Camera Narrator | how |",
        "|---|---|---|---|---|",
        *(
            f"| {claim.what} | {_told(claim.clip)} | {_told(claim.timer)} | {_told(claim.ours)} | {claim.how} |"
            for claim in claims
        ),
    ]


def lines(claims: Sequence[Claim]) -> list[str]:
    """Return the table for a terminal."""
    rows = [("", "clip upload", "5 s timer", "ours")]
    rows += [(c.what, _told(c.clip), _told(c.timer), _told(c.ours)) for c in claims]
    widest = max(len(row[0]) for row in rows)
    return [f"{what:{widest}}  {a:>11}  {b:>11}  {c:>11}" for what, a, b, c in rows]


def _told(value: float | None) -> str:
    return "–" if value is None else number(value)
