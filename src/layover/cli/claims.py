"""The command `claims`: what a study's results say about what it claims."""

from __future__ import annotations

import json
from typing import Any

from layover.claims import Claim, Verdict
from layover.cli.shared import (
    DEFAULT_STORE,
    Argument,
    AsJson,
    StoreFolder,
    StudyFile,
    number,
    open_study,
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
            typer.echo(json.dumps(plain(one), ensure_ascii=False))
        return
    Console().print(Ledger(title=f"The claims of {value.name}", verdicts=verdicts))


def plain(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON has it; null is what was not measured."""
    from layover.report.ledger import left_out, sentence

    claim, rests = verdict.claim, verdict.rests_on
    row: dict[str, Any] = {
        "claim": claim.text,
        "source": claim.source,
        "reference": claim.reference,
        "encoders": list(claim.encoders),
        "targets": list(claim.targets),
        "verdict": verdict.verdict,
        "here": verdict.here,
        "confidence": number(verdict.confidence),
        "level": number(verdict.level),
        "rests_on": {
            "encoders": list(rests.encoders),
            "arms": list(rests.arms),
            "targets": list(rests.targets),
            "languages": list(rests.languages),
            "seeds": list(rests.seeds),
        },
        "missing": list(verdict.missing),
        "notes": left_out(verdict),
        "more_seeds": verdict.settle,
        "beside": [
            {"name": name, "estimate": found.estimate, "low": found.low, "high": found.high}
            for name, found in verdict.beside
        ],
        "sentence": sentence(verdict),
    }
    if isinstance(claim, Claim):
        row["margin"] = claim.margin
        row["contrasts"] = [
            {
                "name": contrast.name,
                "estimate": number(found.estimate),
                "low": number(low),
                "high": number(high),
                "level": number(level),
                "seeds": found.seeds,
                "examples": found.examples,
            }
            for contrast, found, level, (low, high) in zip(
                claim.contrasts, verdict.found, verdict.levels, verdict.intervals, strict=False
            )
        ]
    elif verdict.counted is not None:
        row["found"] = list(verdict.counted.found)
        row["lacking"] = list(verdict.counted.lacking)
        row["measured"] = list(verdict.measured)
    return row
