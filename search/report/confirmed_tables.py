"""A front that was trained again, as a table for a terminal."""

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.text import Text

from search.confirm import FEWEST_REPEATS
from search.report.confirmed import ConfirmedFront
from search.report.confirmed_candidate import ConfirmedCandidate
from search.report.fitting import FittingTable, Layout, Row
from search.report.tables import number, short, title

_CHANCE = 0.05  # agreement that is less probable by chance is none
_FLATTERED = 1.02  # ratio of confirmed and searched values from which it is worth a word
_LEAD = 0.05  # by which the most consistent objective is it
_BESIDE = 2  # with more objectives, the search's figures stand below, not beside
_HEADINGS = ("trial@epoch", "P(front)", "seeds")


def confirmed_table(front: ConfirmedFront) -> RenderableType:
    """Returns the confirmed candidates with all that a reader should know with them."""
    is_many = len(front.objectives) > _BESIDE
    layouts = [_below(front, has_lines=False), _below(front, has_lines=True)]
    if not is_many:
        layouts.insert(0, _beside(front))
    # What does not fit is cut off: `pareto` without `--confirmed` shows it whole.
    table = FittingTable(f"Front of {front.name}, trained again", layouts, is_cut=True)
    return Group(table, *(Text(line) for line in confirmed_remarks(front)))


def _beside(front: ConfirmedFront) -> Layout:
    """Returns the candidates with the search's figures beside the means."""
    names = list(front.objectives)
    pairs = [heading for name in names for heading in (title(name), "search")]
    rows = []
    for member in front.members:
        figures = [
            text
            for name in names
            for text in (with_error(member, name), _figure(member.searched, name))
        ]
        rows.append(Row([*_head(member), *figures], short(member.params)))
    return Layout([*_HEADINGS, *pairs], rows)


def _below(front: ConfirmedFront, has_lines: bool) -> Layout:
    """Returns them with the search's figures below the means; and with errors on lines too."""
    names = list(front.objectives)
    rows = []
    for member in front.members:
        shown = [_figure(member.means, n) if has_lines else with_error(member, n) for n in names]
        rows.append(Row([*_head(member), *shown], short(member.params)))
        if has_lines and member.errors:
            rows.append(Row(["  +-", "", "", *(_error(member, name) for name in names)]))
        searched = [_figure(member.searched, name) for name in names]
        rows.append(Row(["  in the search", "", "", *searched]))
    return Layout([*_HEADINGS, *map(title, names)], rows)


def _head(member: ConfirmedCandidate) -> list[str]:
    mark = " choice" if member.is_choice else ""
    mark += "" if member.origin == "front" else f" ({member.origin})"
    chance = "-" if member.probability is None else f"{member.probability:.2f}"
    return [member.label + mark, chance, str(member.num_repeats)]


def confirmed_remarks(front: ConfirmedFront) -> Iterator[str]:
    """Yields what is said below the table, a line each."""
    yield ""
    yield (
        "Means over trainings with fresh seeds, on the test images and fresh draws, +- one "
        "standard error; beside them what the search had measured. P(front): how probably no other "
        "mean here is better."
    )
    if any(member.is_choice for member in front.members):
        yield (
            "Choice: the knee of the means that are rather on the front than not, for who has no "
            "preference."
        )
    if front.spread:
        each = ", ".join(f"{title(name)} {size:.0%}" for name, size in front.spread.items())
        yield f"One training differs from another of the same model by {each} (one deviation)."
    yield from _flattery(front)
    yield from _consistency(front)
    yield from _warnings(front)


def _flattery(front: ConfirmedFront) -> Iterator[str]:
    if not front.flattery or front.epochs is not None:
        return
    line = (
        f"The front's confirmed values are, of what the search measured, {_times(front.flattery)}"
    )
    if any(_is_worse(front, name) for name in front.flattery):
        line += f": who is the best of {front.num_searched:,} candidates was also lucky"
    line += "."
    if front.other_images:
        line += (
            f" The same weights on the test images and fresh draws: {_times(front.other_images)}."
        )
    yield line


def _consistency(front: ConfirmedFront) -> Iterator[str]:
    if not front.agreement:
        return
    each = ", ".join(f"{title(name)} {found.w:.2f}" for name, found in front.agreement.items())
    line = (
        f"How alike {front.num_runs} trainings rank the candidates (Kendall's W, 1: the same each "
        f"time, {1 / front.num_runs:.2f}: by chance): {each}."
    )
    best, *others = sorted(front.agreement, key=lambda name: -front.agreement[name].w)
    chance = [n for n, found in front.agreement.items() if found.p_value > _CHANCE]
    lead = front.agreement[best].w - max((front.agreement[n].w for n in others), default=1.0)
    if best not in chance and lead >= _LEAD:
        line += f" {title(best)} is the most consistent."
    if chance:
        line += f" The order by {', '.join(map(title, chance))} could be chance."
    yield line


def _warnings(front: ConfirmedFront) -> Iterator[str]:
    if front.epochs is not None:
        yield (
            f"! All were trained to {front.epochs} epochs, which are not the search's own: these "
            "figures say nothing of the weights that it keeps."
        )
    few = [m.label for m in front.members if 0 < m.num_repeats < FEWEST_REPEATS]
    if few and any(member.errors for member in front.members):
        yield (
            f"! Fewer than {FEWEST_REPEATS} trainings worked of {_some(few)}: their errors are "
            "pooled over all candidates, as a share of the value."
        )
    if all(member.probability is None for member in front.members):
        more = max(len(member.repeats) for member in front.members) + 1
        at = "" if front.epochs is None else f" --epochs {front.epochs}"
        yield (
            "! One training of each shows no noise: errors and P(front) take two. "
            f"`vaesearch confirm {front.name} --seeds {more}{at}` goes on."
        )
    failed = {m.trial: m.num_failed for m in front.members if m.num_failed}
    if failed:
        which = ", ".join(f"{count} of trial {trial}" for trial, count in failed.items())
        yield f"! Trainings that failed count in no mean and no probability: {which}."
    most = max(len(member.repeats) for member in front.members)
    current = [m for m in front.members if m.origin != "other"]
    short_of = [m.label for m in current if len(m.repeats) < most]
    if short_of or front.missing:
        yield (
            f"! Not all have {most} repeats yet: {_some([*short_of, *front.missing])}. "
            f"`vaesearch confirm {front.name} --seeds {most}` goes on."
        )
    likely = [m for m in front.members if (m.probability or 0.0) >= 0.5]
    if not likely and any(m.probability is not None for m in front.members):
        yield "! None is on the front more probably than not: more seeds would tell them apart."
    if front.other_epochs:
        yield (
            f"Also confirmed at {', '.join(map(str, front.other_epochs))} epochs: "
            f"`vaesearch pareto {front.name} --confirmed --epochs {front.other_epochs[-1]}`."
        )


def with_error(member: ConfirmedCandidate, name: str) -> str:
    """Returns the mean of an objective with its standard error, as far as they are known."""
    text, error = _figure(member.means, name), _error(member, name)
    return f"{text} +- {error}" if error else text


def _error(member: ConfirmedCandidate, name: str) -> str:
    if name not in member.errors:
        return ""
    digits = len(_figure(member.means, name).partition(".")[2])  # as exact as its value
    return f"{member.errors[name]:,.{digits}f}"


def _is_worse(front: ConfirmedFront, name: str) -> bool:
    ratio = front.flattery[name]
    return (ratio if front.objectives[name] == "minimize" else 1 / ratio) >= _FLATTERED


def _times(ratios: Mapping[str, float]) -> str:
    return ", ".join(f"{title(name)} x{ratio:.2f}" for name, ratio in ratios.items())


def _some(labels: list[str]) -> str:
    return ", ".join(labels[:8]) + (" ..." if len(labels) > 8 else "")


def _figure(figures: Mapping[str, float], name: str) -> str:
    return number(figures[name]) if name in figures else "-"
