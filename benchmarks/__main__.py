"""The benchmarks: what the README claims, one command each.

python -m benchmarks --list                what there is
python -m benchmarks NAME [--quick] ...    one of them; --quick takes under two minutes
"""

import ast
import importlib
import sys
from pathlib import Path

from search.errors import SearchError

HERE = Path(__file__).parent


def names() -> list[str]:
    """Returns the names of the benchmarks."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem != "__main__")


def summary(name: str) -> str:
    """Returns the first line of what a benchmark says of itself; it is not imported for that."""
    text = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text())) or ""
    return text.splitlines()[0]


def main(arguments: list[str]) -> int:
    """Runs what the command line asks for; returns the exit status."""
    if arguments in ([], ["--list"], ["--help"]):
        for name in names():
            print(f"{name:14} {summary(name)}")
        return 0
    name, *rest = arguments
    if name not in names():
        print(f"There is no benchmark {name!r}. There are: {', '.join(names())}.", file=sys.stderr)
        return 2
    try:
        importlib.import_module(f"benchmarks.{name}").main(rest)
    except SearchError as error:  # such as images that are not there
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
