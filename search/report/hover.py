"""What is said of a point when a person points at it: text that plotly shows, marked up safely."""

import html
from collections.abc import Iterable, Mapping
from typing import Any, Final

from search.candidates import Candidate
from search.report.confirmed_candidate import ConfirmedCandidate
from search.report.tables import number, short, title

_WIDTH: Final = 44  # characters of a line: a label as wide as a phone is cut off
_MOST_CHARACTERS: Final = 32  # of one param
_MOST_PARAMS: Final = 16


def about(
    candidate: Candidate,
    objectives: Iterable[str],
    params: Mapping[str, Any],
    word: str = "",
) -> str:
    """Returns what a candidate is: its name, all objectives, its trial's params.

    Args:
        candidate: A point.
        objectives: Their names.
        params: Of its trial.
        word: What to say beside its name.
    """
    figures = [f"{title(name)} {number(candidate.metrics[name])}" for name in objectives]
    return _lines(f"{candidate} {word}".rstrip(), [*wrapped(figures), *_params(params)])


def about_confirmed(member: ConfirmedCandidate) -> str:
    """Returns what training a candidate again has shown."""
    figures = [
        f"{title(name)} {number(mean)}"
        + (f" ± {number(member.errors[name])}" if name in member.errors else "")
        for name, mean in member.means.items()
    ]
    chance = "" if member.probability is None else f", P(front) {member.probability:.2f}"
    head = f"{member.label} confirmed, {member.num_repeats} seeds{chance}"
    return _lines(head, [*wrapped(figures), *_params(member.params)])


def cut(text: str, most: int) -> str:
    """Returns text with at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def wrapped(words: Iterable[str]) -> list[str]:
    """Returns words on as few lines as fit a phone."""
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > _WIDTH:
            lines.append("")
        lines[-1] += f"  {word}" if lines[-1] else word
    return [line for line in lines if line]


def _params(params: Mapping[str, Any]) -> list[str]:
    items = [cut(short({name: value}), _MOST_CHARACTERS) for name, value in params.items()]
    more = [f"and {len(items) - _MOST_PARAMS} more"] if len(items) > _MOST_PARAMS else []
    return wrapped([*items[:_MOST_PARAMS], *more])


def _lines(head: str, lines: Iterable[str]) -> str:
    """Returns lines as plotly shows them; it takes a few HTML tags for markup."""
    return "<br>".join(html.escape(line) for line in (head, *lines))
