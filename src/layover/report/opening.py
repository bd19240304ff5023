"""What a study's own claims came to: a report opens with it."""

from __future__ import annotations

from collections.abc import Sequence

from layover.claims import Verdict
from layover.report.ledger import values
from layover.report.prose import NAMED


def opening(verdicts: Sequence[Verdict]) -> tuple[tuple[str, str, str], ...]:
    """(claim, verdict, its intervals) of the first claims that were tested; the ledger has
    all, and what those that speak of another encoder would come to."""
    judged = [one for one in verdicts if one.found and one.verdict != "not tested"]
    return tuple(
        (one.claim.text.rstrip("."), one.verdict, f"{values(one)}.") for one in judged[:NAMED]
    )
