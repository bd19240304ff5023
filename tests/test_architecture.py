"""The layers of the design: imports point down, and planning stays light."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent / "src" / "layover"
LAYERS = (
    ("errors",),
    ("registry",),
    ("spec", "lock", "languages", "metrics", "stats", "dimensions"),
    ("stage", "encoders", "tasks", "world", "recipe"),
    ("lease",),
    ("store", "study", "claims"),
    ("changes",),
    ("executors", "modeling"),
    ("inference",),
    ("training", "bench"),
    ("stages",),
    ("factors", "cost", "coverage", "distance"),
    ("measured", "xtreme", "evidence", "verdicts"),
    (
        *("curves", "results", "report", "portraits", "progress", "leaks"),
        *("latency", "serving", "scripts"),
    ),
    ("audit", "doctor"),
    ("running",),
    ("cli",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
HEAVY = {"torch", "transformers", "datasets", "pandas", "scipy", "statsmodels", "matplotlib"}


def imported(path: Path) -> set[str]:
    """The parts of layover that a module imports, also inside its functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("layover"):
            parts = (node.module or "").split(".")
            names = [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
            found.update(names)
    return found & set(LEVEL)


def test_no_module_imports_from_a_layer_above_its_own() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        part = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if part in LEVEL:
            wrong += [
                f"{path.relative_to(ROOT)} imports {name}"
                for name in imported(path)
                if LEVEL[name] > LEVEL[part]
            ]
    assert not wrong


def test_the_command_line_and_the_stages_load_nothing_heavy() -> None:
    code = "import sys, layover.cli, layover.stages, layover.results; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in out.stdout.split()} & HEAVY
