"""What a study's own claims came to: a report opens with it."""

from __future__ import annotations

from collections.abc import Sequence

from layover.claims import Verdict
from layover.report.ledger import values
from layover.report.prose import NAMED


def opening(verdicts: Sequence[Verdict]) -> tuple[tuple[str, str], ...]:
    """(claim, verdict with its intervals) of the first claims that were measured; the ledger has
    all."""
    judged = [one for one in verdicts if one.found and not one.missing]
    return tuple(
        (one.claim.text.rstrip("."), f"{one.verdict}: {values(one)}.") for one in judged[:NAMED]
    )
