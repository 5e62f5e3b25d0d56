"""Study files that nobody should write: one clear error each, nothing executed, nothing started."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import NotFoundError, StudyConfigError
from search.study_file import builtin_text, load_study, parse_study
from tests.commands import Commands

SMALL = """
name: hostile
dataset: digits
space:
  beta: {type: float, low: 0.1, high: 1.0}
"""
LAUGHS = "a0: &a0 [lol, lol]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 12)}]\n" for n in range(1, 12)
)

HOSTILE = {
    "code in a tag": SMALL + "seed: !!python/object/apply:os.system ['touch executed']\n",
    "an object": SMALL + "seed: !!python/object:search.config.StudyConfig {}\n",
    "code in a string": SMALL.replace("0.1", "\"__import__('os').system('touch executed')\""),
    "a billion laughs": LAUGHS + SMALL,
    "a list inside of itself": SMALL + "first_trials: &a [*a]\n",
    "a mapping inside of itself": SMALL + "fixed: &a {widths: *a}\n",
    "ten thousand brackets": SMALL + "fixed: " + "[" * 10_000 + "]" * 10_000 + "\n",
    "a number of 6,000 digits": SMALL + f"seed: {'9' * 6_000}\n",
    "a number beyond every float": SMALL.replace("1.0", "1.0e+400"),
    "not a number": SMALL.replace("1.0", ".nan"),
    "endless trials": SMALL + "budget: {trials: 1.0e+300}\n",
    "negative trials": SMALL + "budget: {trials: -3}\n",
    "a list of a billion widths": SMALL
    + "  widths: {type: int, low: 1, high: 9, length: 1000000000}\n",
    "a length of a billion widths": SMALL
    + "  depth: {type: int, low: 1, high: 1000000000}\n"
    + "  widths: {type: int, low: 1, high: 9, length: depth}\n",
    "conditions in a circle": SMALL.replace("high: 1.0", "high: 1.0, when: {variant: vae}")
    + "  variant: {type: categorical, choices: [vae, ae], when: {beta: 0.5}}\n",
    "a condition on itself": SMALL.replace("high: 1.0", "high: 1.0, when: {beta: 0.5}"),
    "a key that is a number": SMALL + "1: 2\n",
    "a key that is a list": SMALL + "? [a, b]\n: 2\n",
    "a key that is null": SMALL + "~: 2\n",
    "a date": SMALL + "seed: 2026-11-21\n",
    "a name that climbs": SMALL.replace("hostile", "../../etc/passwd"),
    "a name with a command": SMALL.replace("hostile", '"a; rm -rf b"'),
    "a name of 5,000 characters": SMALL.replace("hostile", "a" * 5_000),
    "a null byte": SMALL + 'store: "a\\0b"\n',
    "two documents": SMALL + "---\n" + SMALL,
    "tabs": SMALL + "\tseed: 1\n",
    "an unknown anchor": SMALL + "seed: *nowhere\n",
    "merged keys": SMALL + "<<: {seed: oops}\n",
    "a control character": SMALL + "seed: \x07\n",
    "nothing": "",
    "one word": "digits",
    "a list": "- digits",
    "a command that is one string": SMALL + "on_end: {command: 'touch executed'}\n",
    "a webhook that is a file": SMALL + "on_end: {webhook: 'file:///etc/passwd'}\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_each_is_one_clear_line_and_nothing_happens(text, tmp_path, monkeypatch, capsys):
    call = Commands(monkeypatch, capsys, tmp_path)
    (tmp_path / "study.yaml").write_text(text)
    error = call("run", "study.yaml").error
    assert error.startswith("study.yaml:"), error
    assert len(error) < 1_000, f"{len(error)} characters"
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "study.yaml").write_bytes(bytes(range(256)))
    with pytest.raises(NotFoundError, match="Cannot read the study file"):
        load_study(tmp_path / "study.yaml")


def refused(text):
    """Returns why a study is refused, None if it is read."""
    try:
        parse_study(text, "study.yaml")
    except StudyConfigError as error:
        return str(error)
    return None


LINES = builtin_text().splitlines()
SNIPPETS = st.sampled_from(
    [
        "{",
        "]",
        ": ",
        "- ",
        "&a ",
        "*a",
        "!!int ",
        "~",
        ".inf",
        "1e999",
        "''",
        "\t",
        "<<: ",
        "|",
        "0x",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(LINES) - 1),
            st.integers(0, 40),
            st.one_of(SNIPPETS, st.text(max_size=6)),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_study_with_a_slip_is_read_or_refused_in_one_line(slips):
    lines = list(LINES)
    for row, column, text in slips:
        lines[row] = lines[row][:column] + text + lines[row][column:]
    refusal = refused("\n".join(lines))
    assert refusal is None or refusal.startswith("study.yaml:")
    assert "\n" not in (refusal or "")
