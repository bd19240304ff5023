"""Prediction rows on disk, in Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layover.errors import DamagedResult
from layover.tasks.task import Examples


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Predictions in columns of equal length. A prediction and its target are a string, or a
    list of strings; a target is None where it was withheld."""

    example_id: list[str]
    cluster_id: list[str]
    language: list[str]
    variant: list[str]
    prediction: list[Any]
    target: list[Any]

    @staticmethod
    def of(examples: Examples, predictions: Sequence[Any], variant: str) -> Rows:
        """One row an example."""
        kind = examples.task.type
        return Rows(
            example_id=[example.id for example in examples.items],
            cluster_id=[example.cluster for example in examples.items],
            language=list(examples.languages),
            variant=[variant] * len(examples),
            prediction=list(predictions),
            target=[kind.target(example) for example in examples.items],
        )

    def __add__(self, other: Rows) -> Rows:
        return Rows(**{name: column + getattr(other, name) for name, column in vars(self).items()})


def write(rows: Rows, path: Path) -> None:
    """Write rows so that `read` gives them back."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = dict(vars(rows))
    for name in ("language", "variant"):
        columns[name] = pa.array(columns[name]).dictionary_encode()
    pq.write_table(pa.table(columns), path)


def read(path: Path) -> Rows:
    """The rows in a file; raises `DamagedResult` if it is not one of ours."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        return Rows(**{name: table[name].to_pylist() for name in table.column_names})
    except (pa.ArrowException, OSError, TypeError) as error:
        raise DamagedResult(f"{path} does not hold predictions: {error}") from error
