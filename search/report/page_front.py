"""What a page says of the front: a table of its members, and what to make of them."""

from collections.abc import Mapping
from typing import Any

from search.report.confirmed import ConfirmedFront
from search.report.confirmed_candidate import ConfirmedCandidate
from search.report.confirmed_tables import confirmed_remarks, with_error
from search.report.material import Material
from search.report.summary import FrontMember, Summary
from search.report.tables import number, remarks, short, title


def front_section(material: Material) -> dict[str, Any]:
    """Returns the table of the front's members, and sentences on it and on its confirmation."""
    summary, confirmed = material.summary, material.confirmed
    remeasured = [
        name
        for name in summary.objectives
        if any(name in (member.remeasured or {}) for member in summary.front)
    ]
    again = {member.label: member for member in confirmed.members} if confirmed else {}
    return {
        "heads": _heads(summary, remeasured, confirmed),
        "rows": [
            _row(member, summary, remeasured, confirmed, again.get(member.label))
            for member in summary.front
        ],
        "num_candidates": summary.num_candidates,
        "other_heads": ["trial@epoch", *map(title, summary.objectives), "P(front)", "params"],
        "others": _others(summary, confirmed),
        "remarks": [line for line in remarks(summary) if line],
        "confirmed_remarks": [line for line in confirmed_remarks(confirmed) if line]
        if confirmed
        else [material.not_confirmed],
    }


def _heads(summary: Summary, remeasured: list[str], confirmed: ConfirmedFront | None) -> list[str]:
    heads = ["trial@epoch"]
    for name in summary.objectives:
        heads.append(f"{title(name)} (search)")
        heads += [f"{title(name)} (test)"] if name in remeasured else []
        heads += [f"{title(name)} (confirmed)"] if confirmed else []
    heads += ["P(front)", "seeds"] if confirmed else []
    return [*heads, "share", "params"]


def _row(
    member: FrontMember,
    summary: Summary,
    remeasured: list[str],
    confirmed: ConfirmedFront | None,
    again: ConfirmedCandidate | None,
) -> list[str]:
    cells = [member.label + (" knee" if member.is_knee and len(summary.front) > 2 else "")]
    for name in summary.objectives:
        cells.append(number(member.values[name]))
        cells += [_figure(member.remeasured or {}, name)] if name in remeasured else []
        cells += [_with_error(again, name) if again else "-"] if confirmed else []
    cells += [_chance(again), str(again.num_repeats) if again else "-"] if confirmed else []
    return [*cells, f"{member.share:.1%}", short(member.params)]


def _others(summary: Summary, confirmed: ConfirmedFront | None) -> list[list[str]]:
    """Returns what was confirmed beside the front: name, means, probability, params."""
    labels = {member.label for member in summary.front}
    return [
        [
            f"{member.label} ({member.origin})",
            *(_with_error(member, name) for name in summary.objectives),
            _chance(member),
            short(member.params),
        ]
        for member in (confirmed.members if confirmed else ())
        if member.label not in labels
    ]


def _with_error(member: ConfirmedCandidate, name: str) -> str:
    return with_error(member, name).replace(" +- ", "\u00a0±\u00a0")  # no break between the two


def _chance(member: ConfirmedCandidate | None) -> str:
    return "-" if member is None or member.probability is None else f"{member.probability:.2f}"


def _figure(figures: Mapping[str, float], name: str) -> str:
    return number(figures[name]) if name in figures else "-"
