"""The command `claims`: what a study's results say about what it claims."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from layover.claims import Claim, Verdict
from layover.cli.shared import (
    DEFAULT_STORE,
    Argument,
    AsJson,
    StoreFolder,
    StudyFile,
    open_study,
    plain,
)


def claims(
    study: StudyFile,
    store: StoreFolder = DEFAULT_STORE,
    arguments: Argument = None,
    as_json: AsJson = False,
) -> None:
    """What a study's results say about its claims. See docs/claims.md."""
    import typer
    from rich.console import Console

    from layover.measured import grid, measurements
    from layover.report.ledger import Ledger
    from layover.verdicts import judge

    value, place = open_study(study, store, arguments)
    found = measurements(value, place)
    verdicts = judge(value, grid(value, found), found)
    if as_json:
        for one in verdicts:
            typer.echo(json.dumps(plain(as_row(one)), ensure_ascii=False))
        return
    Console().print(Ledger(title=f"The claims of {value.name}", verdicts=verdicts))


def as_row(verdict: Verdict) -> dict[str, Any]:
    """A verdict for programs; NaN is what was not measured."""
    from layover.report.ledger import left_out, sentence

    claim = verdict.claim
    told: dict[str, Any] = {
        "claim": claim.text,
        "source": claim.source,
        "reference": claim.reference,
        "encoders": claim.encoders,
        "targets": claim.targets,
        "verdict": verdict.verdict,
        "here": verdict.here,
        "confidence": verdict.confidence,
        "level": verdict.level,
        "rests_on": asdict(verdict.rests_on),
        "missing": verdict.missing,
        "notes": left_out(verdict),
        "more_seeds": verdict.settle,
        "beside": [
            {"name": name, "estimate": found.estimate, "low": found.low, "high": found.high}
            for name, found in verdict.beside
        ],
        "sentence": sentence(verdict),
    }
    if isinstance(claim, Claim):
        told |= {"margin": claim.margin, "contrasts": list(_contrasts(claim, verdict))}
    elif verdict.counted is not None:
        told |= {**asdict(verdict.counted), "measured": verdict.measured}
    return told


def _contrasts(claim: Claim, verdict: Verdict) -> Iterator[dict[str, Any]]:
    for contrast, found, level, (low, high) in zip(
        claim.contrasts, verdict.found, verdict.levels, verdict.intervals, strict=False
    ):
        yield {
            "name": contrast.name,
            "estimate": found.estimate,
            "low": low,
            "high": high,
            "level": level,
            "seeds": found.seeds,
            "examples": found.examples,
        }
