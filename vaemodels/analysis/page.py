"""The page of an analysis: plain HTML and CSS that needs nothing but the pictures beside it."""

from collections.abc import Mapping
from html import escape
from typing import Final

from vaemodels.analysis.findings import Finding, Result, rounded

_STYLE: Final = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0.2rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 0.3rem; border-top: 1px solid #ddd; padding-top: 1rem; }
p { margin: 0.3rem 0 0.8rem; max-width: 48rem; }
img { max-width: 100%; height: auto; display: block; margin: 0.6rem 0; }
.alarms { background: #fdecea; border-left: 0.3rem solid #c0392b; padding: 0.6rem 1rem; }
.fine { background: #eaf6ee; border-left: 0.3rem solid #2e8b57; padding: 0.6rem 1rem; }
.quiet { color: #666; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.25rem 0.9rem 0.25rem 0; border-bottom: 1px solid #e5e5e5;
         vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
""".strip()
_HEADINGS: Final = (
    ("", "number"),
    ("number", "value"),
    ("number", "standard error"),
    ("number", "samples"),
    ("", "unit"),
)


def page(name: str, about: str, results: Mapping[str, Result], absent: Mapping[str, str]) -> str:
    """Returns the whole page as HTML.

    Args:
        name: Of the model.
        about: One paragraph on it.
        results: By title, in the order of their sections.
        absent: Titles of analyses that were left out, and why.
    """
    alarms = [alarm for result in results.values() for alarm in result.alarms]
    body = [
        f"<h1>{escape(name)}</h1>",
        f'<p class="quiet">{escape(about)}</p>',
        _alarms(alarms, has_looked="Use of the latents" in results),
        "<h2>Numbers</h2>",
        _table([finding for result in results.values() for finding in result.findings]),
        *(_section(title, result) for title, result in results.items()),
        _absent(absent),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(name)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body>\n</html>\n"
    )


def _alarms(alarms: list[str], has_looked: bool) -> str:
    if alarms:
        items = "".join(f"<li>{escape(alarm)}</li>" for alarm in alarms)
        return f'<div class="alarms"><strong>Alarms</strong><ul>{items}</ul></div>'
    if has_looked:
        return '<div class="fine">No alarm: the model uses its latents.</div>'
    return ""


def _table(findings: list[Finding]) -> str:
    head = "".join(f'<th class="{kind}">{word}</th>' for kind, word in _HEADINGS)
    rows = "\n".join(_row(finding) for finding in findings)
    note = "&ndash;: no standard error is known."
    return f'<table>\n<tr>{head}</tr>\n{rows}\n</table>\n<p class="quiet">{note}</p>'


def _row(finding: Finding) -> str:
    estimate = finding.estimate
    error = "&ndash;" if estimate.standard_error is None else rounded(estimate.standard_error)
    numbers = (rounded(estimate.value), error, f"{estimate.num_samples:,}")
    cells = "".join(f'<td class="number">{cell}</td>' for cell in numbers)
    return f"<tr><td>{escape(finding.label)}</td>{cells}<td>{escape(finding.unit)}</td></tr>"


def _section(title: str, result: Result) -> str:
    pictures = "\n".join(
        f'<img src="{escape(file)}" alt="{escape(title)}: {escape(file)}">'
        for file in result.pictures
    )
    return f"<h2>{escape(title)}</h2>\n<p>{escape(result.caption)}</p>\n{pictures}"


def _absent(absent: Mapping[str, str]) -> str:
    if not absent:
        return ""
    items = "".join(
        f"<li>{escape(title)}: {escape(reason)}</li>" for title, reason in absent.items()
    )
    return f'<h2>Left out</h2>\n<ul class="quiet">{items}</ul>'
