"""`layover claims` says every verdict, to people and to programs; `layover compare --format` writes
what is asked for."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from stores import TINY, Layover, altered

from layover.executors.execute import Outcome
from layover.store import Store

RUN = tuple[Store, Outcome]
CLAIMING = """
from layover import coverage
from layover.claims import Claim, Coverage, gain


def study():
    helps = gain("nli", "POS", "retrieval", over="direct")
    claims = (
        Claim(text="It helps.", source="us", contrasts=(helps,), reference="+100 points"),
        Claim(text="Large.", source="us", contrasts=(helps,), encoders=("xlm-r-large",)),
        Coverage(text="Six targets.", source="us", counts=coverage.targets, least=6),
        Coverage(text="Nine tasks.", source="us", counts=coverage.intermediate_tasks, least=9),
    )
    return dataclasses.replace(tiny_study.study(), claims=claims)
"""


@pytest.mark.parametrize("width", ["80", "140"])
def test_every_claim_has_its_verdict_and_reason_at_any_width(
    layover: Layover,
    tiny_run: RUN,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    width: str,
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    study = altered(tmp_path, CLAIMING)
    code, out, error = layover("claims", study, "--store", tiny_run[0].root)
    assert (code, error) == (0, "")
    assert max(map(len, out.splitlines())) <= int(width)
    told = " ".join(out.split())
    for words in ("It helps.", "+100 points", "Large.", "Six targets.", "Nine tasks."):
        assert words in told
    assert "tiny 2x32, 2 targets, 5 languages, 1 seed" in told
    assert "2 counted of at least 9 (nli, supertags)" in told


def test_the_ledger_is_a_line_of_json_for_each_claim(
    layover: Layover, tiny_run: RUN, tmp_path: Path
) -> None:
    study = altered(tmp_path, CLAIMING)
    code, out, _ = layover("claims", study, "--store", tiny_run[0].root, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["claim"] for line in lines][-1] == "Nine tasks."
    words = [line["verdict"] for line in lines]
    assert words[1:] == ["not tested", "supported", "contradicted"]
    assert lines[1]["here"] == lines[0]["verdict"]
    assert lines[0]["contrasts"][0]["seeds"] == 1


def test_claims_are_not_tested_before_the_study_was_run(layover: Layover, tmp_path: Path) -> None:
    study = altered(tmp_path, CLAIMING)
    code, out, _ = layover("claims", study, "--store", tmp_path / "none", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["verdict"] for line in lines][:2] == ["not tested"] * 2
    assert "nli on POS" in lines[0]["missing"]


@pytest.mark.parametrize("command", ["plan", "run", "compare"])
@pytest.mark.parametrize(
    "right, wrong, told",
    [
        ('gain("nli"', 'gain("nil"', "did you mean 'nli'"),
        ('"retrieval"', '"retreival"', "did you mean 'retrieval'"),
        ('over="direct")', 'over="direct", languages=("deu",))', "in deu; it is in qal"),
        ('"xlm-r-large"', '"xlmr-large"', "did you mean 'xlm-r-large'"),
    ],
)
def test_a_claim_that_names_what_there_is_not_stops_every_command_before_anything_is_done(
    layover: Layover, tmp_path: Path, command: str, right: str, wrong: str, told: str
) -> None:
    study = altered(tmp_path, CLAIMING.replace(right, wrong))
    code, _, error = layover(command, study, "--store", tmp_path / "none")
    assert code == 2 and told in error
    assert not (tmp_path / "none").exists()


def test_a_study_without_claims_says_so(layover: Layover, tiny_run: RUN) -> None:
    out = layover("claims", TINY, "--store", tiny_run[0].root)[1]
    assert "makes no claims" in out


def test_compare_writes_the_format_that_is_asked_for(layover: Layover, tiny_run: RUN) -> None:
    compare = ("compare", TINY, "--store", tiny_run[0].root)
    plain = layover(*compare, "--json")[1]
    assert layover(*compare, "--format", "json")[1] == plain
    rows = list(csv.DictReader(io.StringIO(layover(*compare, "--format", "csv")[1])))
    assert len(rows) == len(plain.splitlines())
    assert r"\toprule" in layover(*compare, "--format", "latex")[1]
    assert "| ---: |" in layover(*compare, "--format", "markdown")[1]
    assert {row["target"] for row in rows} > {"POS"}
    one = layover(*compare, "--format", "csv", "--target", "POS")[1]
    assert {row["target"] for row in csv.DictReader(io.StringIO(one))} == {"POS"}
    assert layover(*compare, "--format", "xml")[0] == 2
