"""Who may import whom, who may print, and how long a file may be."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(p for top in ("search", "vaemodels") for p in (ROOT / top).rglob("*.py"))
MAX_LINES = 300

# A prefix of modules, and the files that may name it. The first folder of a path is the package.
MAY_IMPORT = {
    "ray": {"search/executor"},
    "mlflow": {"search/tracking"},
    "optuna": {
        "search/study",
        "search/samplers.py",
        "search/portfolio.py",
        "search/quasi_random.py",
        "search/gaussian_process.py",
        "search/importance.py",
    },
    "keras": {"vaemodels", "search/models"},
    "tensorflow": {"vaemodels", "search/models"},
    "torch": set(),
    "plotly": {"search/report", "search/looking.py"},
    "jinja2": {"search/report"},
    "search": {"search"},
    "search.cli": {"search/cli"},
    "search.executor": {
        "search/executor",
        "search/cli",
        "search/driver.py",
        "search/confirming.py",
        "search/submitting.py",
    },
    "typer": {"search/cli"},
    "vaemodels": {
        "vaemodels",
        "search/models",
        "search/executor/worker.py",  # a worker process sets its device up before it trains
        "search/cli/pareto.py",  # base noise, in NumPy, for the pictures of samples
    },
}
MAY_PRINT = {"search/cli"}
PURE = {"search/front.py": {"collections", "moocore", "numpy", "pandas"}}


def imported_modules(path: Path) -> set[str]:
    """Returns everything a file imports; imports inside of functions count."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    froms = [n for n in nodes if isinstance(n, ast.ImportFrom)]
    assert not any(n.level for n in froms), f"{path}: write imports in full, not relative"
    return names | {f"{n.module}.{alias.name}" for n in froms for alias in n.names}


def is_in(file: Path, places: set[str]) -> bool:
    return any(file.is_relative_to(place) for place in places)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
class TestFiles:
    def test_imports_follow_the_layers(self, path):
        file = path.relative_to(ROOT)
        modules = imported_modules(path)
        for prefix, places in MAY_IMPORT.items():
            named = [m for m in modules if m == prefix or m.startswith(f"{prefix}.")]
            assert not named or is_in(file, places), (
                f"{file} imports {named}. Only {sorted(places)} may import `{prefix}`."
            )

    def test_only_the_command_line_prints(self, path):
        file = path.relative_to(ROOT)
        calls = [n.func for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        printed = [c.id for c in calls if isinstance(c, ast.Name) and c.id == "print"]
        assert not printed or is_in(file, MAY_PRINT), f"{file} prints; return a value or log"

    def test_files_stay_short(self, path):
        length = len(path.read_text().splitlines())
        assert length <= MAX_LINES, f"{path.relative_to(ROOT)} has {length} lines; split it"


@pytest.mark.parametrize("file", PURE)
def test_what_is_pure_imports_nothing_of_ours(file):
    assert {module.split(".")[0] for module in imported_modules(ROOT / file)} <= PURE[file]


@pytest.mark.parametrize("place", sorted({p for places in MAY_IMPORT.values() for p in places}))
def test_no_rule_outlives_its_file(place):
    assert (ROOT / place).exists() or place == "search/importance.py"
