"""The command line: a table of commands."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from layover.cli import bench, catalogue, lock, plan, serving, study, xtreme
from layover.cli.claims import claims
from layover.cli.doctor import doctor
from layover.cli.shared import with_miniature
from layover.errors import LayoverError

COMMANDS: dict[str, Callable[..., None]] = {
    "plan": plan.plan_command,
    "run": study.run,
    "compare": study.compare,
    "claims": claims,
    "report": study.report,
    "where": study.where,
    "predict": study.predict,
    "prune": study.prune,
    "tasks": catalogue.tasks,
    "encoders": catalogue.encoders,
    "doctor": doctor,
    "lock": lock.lock_command,
    "bench": bench.bench,
    "serving": serving.serving,
    "score": xtreme.score,
    "submission": xtreme.submission,
}
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Intermediate training for zero-shot transfer: studies, their results, and their data.",
)
for name, function in COMMANDS.items():
    app.command(name)(with_miniature(function))


def main() -> None:
    """Run a command; our own errors are shown without a traceback."""
    try:
        app()
    except LayoverError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except SystemExit as stop:
        # Typer turns Control-C into this code and says nothing.
        if stop.code == 130:
            typer.echo("stopped; run the same command again to go on", err=True)
        raise
