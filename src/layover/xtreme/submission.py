"""From the predictions of a study's arm to the folders that `layover score` and XTREME's own
script read: predictions/<task>/test-<code>.<suffix>, and labels beside them where they are known.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from layover.errors import DataError, LayoverError, StudyError
from layover.factors import measured_seed
from layover.inference.rows import Rows, read
from layover.inference.score import counted
from layover.languages import language
from layover.stages import Score
from layover.store import Store
from layover.study import Study
from layover.xtreme.benchmarks import Benchmark, Entry
from layover.xtreme.folders import shorts


@dataclass(frozen=True, kw_only=True)
class Written:
    """What became of an arm."""

    files: dict[str, dict[str, str]] = field(default_factory=dict)
    """Folder of a task -> language -> the target whose predictions it holds."""
    notes: list[str] = field(default_factory=list)
    """What was left out, and why."""


def write_submission(
    study: Study, store: Store, arm: str, benchmark: Benchmark, out: Path, seed: int | None = None
) -> Written:
    """Write an arm's predictions, of one seed, in the layout of a benchmark's submission.

    Raises `StudyError` where the seed is open, a measurement is missing or nothing fits, and
    `LayoverError` for a folder that holds something. The folder is whole or not there.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LayoverError(f"{out} is not an empty folder: name another one with --out")
    leaves = _leaves(study, store, arm, seed)
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    written = Written()
    try:
        draft.mkdir(parents=True)
        for leaf in leaves:
            _target(leaf, store, benchmark, draft, written)
        if not written.files:
            raise StudyError(
                "\n  ".join([f"nothing of {arm} is in {benchmark.title}:", *written.notes])
            )
        if out.exists():
            out.rmdir()
        draft.rename(out)
    except OSError as error:
        raise LayoverError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return written


def _leaves(study: Study, store: Store, arm: str, seed: int | None) -> list[Score]:
    """The measurements of one seed, and those of models without one."""
    leaves = [leaf for leaf in study.arm(arm).leaves if isinstance(leaf, Score)]
    seeds = sorted({one for leaf in leaves if (one := measured_seed(leaf)) is not None})
    named = ", ".join(map(str, seeds))
    if seed is None and len(seeds) > 1:
        raise StudyError(f"{arm} has the seeds {named}: name one with --seed")
    if seed is not None and seed not in seeds:
        raise StudyError(f"{arm} has no seed {seed}; it has {named or 'none'}")
    chosen = [
        leaf
        for leaf in leaves
        if measured_seed(leaf) in (None, *(seeds if seed is None else [seed]))
    ]
    lacking = [leaf.target for leaf in chosen if not store.complete(leaf)]
    if lacking:
        raise StudyError(
            f"{len(lacking)} of {len(chosen)} measurements of {arm} are missing "
            f"({', '.join(lacking)}): run the study first"
        )
    return chosen


def _target(leaf: Score, store: Store, benchmark: Benchmark, root: Path, written: Written) -> None:
    """Write one target, or note why not."""
    data = leaf.predictions.data
    entry = next((one for one in benchmark.entries if one.task == data.task.name), None)
    if entry is None:
        written.notes.append(
            f"{leaf.target}: left out, for {benchmark.title} has no task {data.task.name}"
        )
        return
    if data.split != entry.split:
        written.notes.append(
            f"{leaf.target}: left out, for it is measured on {data.split} and {benchmark.title} "
            f"on {entry.split}"
        )
        return
    if data.subset:
        written.notes.append(
            f"{leaf.target}: {data.subset.size} examples of each language, not the whole files"
        )
    about = json.loads((store.result(leaf) / "scores.json").read_text(encoding="utf-8"))
    rows = read(store.result(leaf.predictions) / "predictions.parquet")
    rows = counted(rows, data.task.type, about["variant"], about["thresholds"])
    foreign = [code for code in data.languages if code not in entry.languages]
    if foreign:
        written.notes.append(
            f"{leaf.target}: left out {shorts(foreign)}, which {entry.folder} has not in "
            f"{benchmark.title}"
        )
    for code in data.languages:
        if code in entry.languages:
            _language(leaf, entry, code, _of(rows, code, entry, leaf), (root, written))


def _of(rows: Rows, code: str, entry: Entry, leaf: Score) -> list[tuple[str, Any, Any]]:
    """(id, prediction, target) of one language, in the order of its file."""
    found = [
        (name, made, target)
        for name, mine, made, target in zip(
            rows.example_id, rows.language, rows.prediction, rows.target, strict=True
        )
        if mine == code
    ]
    if not entry.form.numbered:
        return found
    try:
        found.sort(key=lambda row: int(row[0]))
    except ValueError as error:
        raise DataError(
            f"{leaf.target}: the ids of its {code} examples are no row numbers, by which their "
            f"order in {entry.file(code)} is known ({error})"
        ) from error
    whole = [name for name, _, _ in found] == [str(row) for row in range(len(found))]
    if not whole and not leaf.predictions.data.subset:
        raise DataError(
            f"{leaf.target}: the ids of its {len(found)} {code} examples are not the numbers of "
            f"all rows of a file, from 0: {entry.file(code)} cannot be told from them"
        )
    return found


def _language(
    leaf: Score,
    entry: Entry,
    code: str,
    rows: list[tuple[str, Any, Any]],
    place: tuple[Path, Written],
) -> None:
    root, written = place
    before = written.files.setdefault(entry.folder, {})
    if code in before:
        raise StudyError(
            f"{before[code]} and {leaf.target} are both {entry.folder} in {language(code).name}: "
            "a submission has room for one"
        )
    before[code] = leaf.target
    names = (entry.folder, entry.file(code))
    path = root.joinpath("predictions", *names)
    entry.form.write(path, {name: made for name, made, _ in rows}, "predictions")
    faults = entry.form.read(path, "predictions").problems
    known = [row for row in rows if row[2] is not None]
    if len(known) == len(rows):
        labels = root.joinpath("labels", *names)
        entry.form.write(labels, {name: target for name, _, target in rows}, "labels")
        faults += entry.form.read(labels, "labels").problems
    else:
        written.notes.append(
            f"{'/'.join(names)}: labels of {len(known)} of {len(rows)} examples are known; no "
            "labels written"
        )
    if faults:
        raise DataError(f"{leaf.target} is not what {entry.folder} takes: {faults[0]}")
