"""From a store to measurements, comparisons and the report's values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from layover import portraits as checkpoints
from layover import spec
from layover.claims import Best, gain
from layover.curves import by_examples, by_size
from layover.errors import DamagedResult
from layover.evidence import Rows
from layover.factors import factors, measured_seed, scores_of
from layover.grid import Grid
from layover.languages import apart
from layover.languages import language as find_language
from layover.latency import by_pair, comparisons, in_short, ratios, summaries
from layover.measured import Measurement, grid, measurement, measurements, or_nan, read_about
from layover.report.ledger import some
from layover.report.notes import allowed
from layover.report.report import (
    Arm,
    Cell,
    Language,
    LayerCurve,
    Portrait,
    Report,
    Role,
    Target,
    Training,
    common,
)
from layover.serving import failures, served
from layover.stage import Stage
from layover.stages import Score, Train, trainings
from layover.stats import Estimates, Interval
from layover.store import Store
from layover.study import Arm as StudyArm
from layover.study import Study
from layover.tasks.mixture import parts_of
from layover.verdicts import judge

if TYPE_CHECKING:
    import pandas


COLUMNS = tuple(
    (
        "study arm role target metric language zero_shot seed score n chance encoder intermediate "
        "languages examples beside_mlm model_key data_key"
    ).split()
)


def rows(study: Study, store: Store) -> pandas.DataFrame:
    """What a study measured, for notebooks: a row for each arm, target, language and seed.

    `score` and `chance` are in percent, `n` the test examples with a label; without any, the
    score is NaN. `intermediate` and its `languages` are joined by "+"; `examples`, of intermediate
    training, and `seed` are <NA> where there is none or it is not known.
    """
    import pandas

    made = [
        dict(zip(COLUMNS, values, strict=True))
        for arm in study.arms
        for leaf in scores_of(arm)
        if store.complete(leaf)
        for values in _rows(study, arm, leaf, store)
    ]
    whole = {"seed": "Int64", "n": "Int64", "examples": "Int64"}
    return pandas.DataFrame(made, columns=list(COLUMNS)).astype(whole)


def _rows(study: Study, arm: StudyArm, leaf: Score, store: Store) -> Iterator[tuple[Any, ...]]:
    known, about = factors(leaf), read_about(store.result(leaf))
    for code, found in about["scores"].items():
        yield (
            study.name,
            arm.name,
            _role(study, arm),
            leaf.target,
            about["metric"],
            code,
            code != study.source,
            known.seed,
            or_nan(found["score"]),
            found["n"],
            or_nan(about["chance"]),
            known.encoder,
            "+".join(known.intermediate),
            "+".join(known.languages),
            known.examples if known.intermediate else None,
            known.beside_mlm,
            spec.key(leaf.predictions.model),
            spec.key(leaf.predictions.data),
        )


def portraits(study: Study, store: Store) -> tuple[Portrait, ...]:
    """What training did to the checkpoints of a study's portraits, as far as it was measured."""
    return checkpoints.portraits(study, store, measurement)


def report(study: Study, store: Store, commands: tuple[str, ...] = ()) -> Report:
    """Everything that tables and the page show, for what the store holds."""
    found = measurements(study, store)
    table = grid(study, found)
    targets = tuple(dict.fromkeys(leaf.target for arm in study.arms for leaf in scores_of(arm)))
    differences = _differences(study, table, targets)
    pairs = by_pair(comparisons(study, store), study.baseline)
    return Report(
        study=study.name,
        question=study.question,
        arms=tuple(Arm(name=arm.name, role=_role(study, arm)) for arm in study.arms),
        targets=tuple(_target(study, name, found) for name in targets),
        languages=tuple(_language(code, study.source) for code in table.languages),
        differences=differences,
        means=_means(study, table, differences, targets),
        best=_best(study, table, found, differences),
        best_of=tuple(dict.fromkeys(cell.arm for cell in differences)),
        scores=tuple(
            Cell(arm=arm.name, target=target, estimates=table.score(arm.name, target))
            for arm in study.arms
            for target in targets
            if table.has(arm.name, target)
        ),
        layers=_layers(found),
        trainings=_trainings(study, store),
        curves=by_examples(study, table),
        sizes=by_size(study, table),
        verdicts=judge(study, table, found),
        portraits=portraits(study, store),
        costs=served(study, store),
        ratios=ratios([one for mine in pairs for one in mine]),
        latency=in_short(pairs),
        latencies=summaries(pairs),
        provenance=_provenance(study, store),
        commands=commands,
        notes=_notes(study, store, targets, found),
    )


def _notes(
    study: Study, store: Store, targets: tuple[str, ...], found: tuple[Measurement, ...]
) -> tuple[str, ...]:
    lacking = [leaf for leaf in study.leaves if not store.complete(leaf)]
    notes = list(allowed(study.allow))
    if lacking:
        total = len(study.leaves)
        notes.append(f"{len(lacking)} of {total} measurements are missing{_whose(study, store)}.")
    notes += [note for name in targets if (note := _unlabelled(name, found))]
    return (*notes, *(f"{failure}." for failure in failures(study, store)))


def _layers(found: tuple[Measurement, ...]) -> tuple[LayerCurve, ...]:
    return tuple(
        LayerCurve(
            arm=item.arm,
            target=item.target,
            seed=item.seed,
            chosen=item.variant,
            points=item.curve,
        )
        for item in found
        if item.variant
    )


def _whose(study: Study, store: Store) -> str:
    """The arms and seeds of the scores that are missing; "" if none is."""
    lacking = [
        (arm.name, str(measured_seed(leaf)))
        for arm in study.arms
        for leaf in scores_of(arm)
        if not store.complete(leaf)
    ]
    if not lacking:
        return ""
    arms, seeds = (some(tuple(dict.fromkeys(each)), ", ") for each in zip(*lacking, strict=True))
    return f": of {arms}, under seed {seeds}"


def _unlabelled(target: str, found: tuple[Measurement, ...]) -> str:
    """What the mean of a target leaves out for want of labels; "" if it leaves out nothing."""
    import numpy as np

    mine = [item.statistics for item in found if item.target == target]
    tested = dict.fromkeys(code for statistics in mine for code in statistics)
    known = {code for one in mine for code, rows in one.items() if not np.isnan(rows).all()}
    lacking = [code for code in tested if code not in known]
    if not lacking:
        return ""
    return (
        f"{target}: {', '.join(lacking)} without labels; measured in "
        f"{len(known)} of {len(tested)} languages."
    )


def _role(study: Study, arm: StudyArm) -> Role:
    if arm.control:
        return "control"
    return "baseline" if arm.name == study.baseline else "arm"


def _target(study: Study, name: str, found: tuple[Measurement, ...]) -> Target:
    mine = [item for item in found if item.target == name]
    known = [item.chance for item in mine if not math.isnan(item.chance)]
    leaves = [leaf for arm in study.arms for leaf in scores_of(arm) if leaf.target == name]
    return Target(
        name=name,
        task=leaves[0].predictions.data.task.name,
        encoders=tuple(dict.fromkeys(factors(leaf).encoder for leaf in leaves)),
        metric=mine[0].metric if mine else "",
        chance=sum(known) / len(known) if known else math.nan,
    )


def _language(code: str, source: str) -> Language:
    return Language(
        code=code,
        name=find_language(code).name,
        distance=apart(source, code),
        source=code == source,
    )


def _differences(study: Study, table: Grid, targets: tuple[str, ...]) -> tuple[Cell, ...]:
    return tuple(
        Cell(arm=arm, target=target, estimates=table.difference(arm, study.baseline, target))
        for arm in (one.name for one in study.compared)
        for target in targets
        if table.has(arm, target) and table.has(study.baseline, target)
    )


def _means(
    study: Study, table: Grid, differences: tuple[Cell, ...], targets: tuple[str, ...]
) -> tuple[Cell, ...]:
    """Over the targets that all arms share, and those that they share in the source language."""
    cells = []
    for arm in dict.fromkeys(cell.arm for cell in differences):
        zero, source = (
            table.mean(arm, study.baseline, common(differences, targets, code), code)
            for code in ("", study.source)
        )
        cells.append(
            Cell(
                arm=arm, target="", estimates=Estimates(mean=zero, languages={study.source: source})
            )
        )
    return tuple(cells)


def _best(
    study: Study, table: Grid, found: tuple[Measurement, ...], differences: tuple[Cell, ...]
) -> Interval | None:
    """The cross-fitted best arm of each target that all arms have; None of fewer than two arms."""
    arms = tuple(dict.fromkeys(cell.arm for cell in differences))
    targets = common(differences, list(dict.fromkeys(cell.target for cell in differences)))
    if len(arms) < 2 or not targets:
        return None
    whole = gain(Best(arms=arms), *targets, over=study.baseline)
    return Rows(study=study, grid=table, measurements=found).evidence(whole).interval


def _trainings(study: Study, store: Store) -> tuple[Training, ...]:
    found: dict[str, list[Training]] = {}
    for arm in study.arms:
        for leaf in scores_of(arm):
            for stage in trainings(leaf.predictions.model):
                if stage.key not in found and _record(stage, store):
                    found[stage.key] = list(_curves(arm.name, stage, store))
    return tuple(curve for curves in found.values() for curve in curves)


def _record(stage: Stage, store: Store) -> dict[str, Any] | None:
    """What is known of a stage. A record that cannot be read is missing from the count of stages;
    no number comes from it, and nothing that is complete needs its stage."""
    try:
        return store.record(stage)
    except DamagedResult:
        return None


def _curves(arm: str, stage: Train, store: Store) -> Iterator[Training]:
    """The curve of each task of a training: losses of different tasks are not of one kind."""
    log = store.result_folder(stage) / "log.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    entries = [json.loads(line) for line in lines]
    parts = parts_of(stage.data)
    for part in parts:
        mine = [entry for entry in entries if entry.get("task") == part.task.name]
        dev = [entry for entry in mine if "dev" in entry]
        # A task may be checked in more than one way: the first is shown.
        chosen = [one for one in dev if _check_of(one) == _check_of(dev[0])]
        yield Training(
            phase=part.label if len(parts) == 1 else f"{part.label}, of {stage.data.label}",
            arm=arm,
            seed=stage.seed,
            loss=tuple((entry["step"], entry["loss"]) for entry in mine if "loss" in entry),
            dev=tuple((entry["step"], entry["dev"]) for entry in chosen),
            metric=chosen[0]["metric"] if chosen else "",
        )


def _check_of(entry: dict[str, Any]) -> tuple[str, str]:
    return entry["data"], entry["metric"]


def _provenance(study: Study, store: Store) -> dict[str, str]:
    records = [record for stage in study.stages if (record := _record(stage, store))]
    versions = sorted({(k, v) for record in records for k, v in record["versions"].items()})
    # Records of version 0.1's first weeks have neither device nor commit.
    devices = sorted({f"{record['host']} ({record.get('device', '?')})" for record in records})
    commits = sorted({record["commit"] for record in records if record.get("commit")})
    seconds = sum(record["seconds"] for record in records)
    seeds = sorted({str(s.seed) for s in study.stages if isinstance(s, Train)})
    return {
        "versions": ", ".join(f"{name} {version}" for name, version in versions),
        "commits": ", ".join(commits),
        "machines": ", ".join(devices),
        "seeds": ", ".join(seeds),
        "stages": f"{len(records)} of {len(study.stages)} complete",
        "work": f"{seconds / 60:.1f} minutes, summed over stages",
        "last stage started": max((record["started"] for record in records), default=""),
    }
