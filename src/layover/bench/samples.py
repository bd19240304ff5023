"""What was measured, request by request, in columns; and its file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layover.errors import DamagedResult

FILE = "samples.parquet"
ABOUT = "bench.json"
"""What is known of each model and backend besides: agreement, memory, disk."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request."""

    model: str
    backend: str
    launch: int
    """Which start of the processes."""
    round: int
    """Within the launch."""
    place: int
    """When in the round its process had its turn."""
    language: str
    batch: int
    """Examples of the request."""
    tokens: int
    """Of all its sequences, without padding."""
    padded: int
    """With padding."""
    tokenise: float
    """Seconds from texts to padded arrays."""
    run: float
    """Seconds from these to scores."""

    @property
    def contender(self) -> tuple[str, str]:
        return self.model, self.backend

    @property
    def whole(self) -> float:
        """Seconds from texts to scores."""
        return self.tokenise + self.run


def write(samples: Iterable[Sample], path: Path) -> None:
    """Write a row a request."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = list(samples)
    columns = {name: [getattr(row, name) for row in rows] for name in Sample.__slots__}
    pq.write_table(pa.table(columns), path)


def read(path: Path) -> tuple[Sample, ...]:
    """What `write` wrote; raises `DamagedResult` for any other file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table: Mapping[str, Any] = pq.read_table(path).to_pydict()
        columns = zip(*(table[name] for name in Sample.__slots__), strict=True)
        return tuple(Sample(*row) for row in columns)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise DamagedResult(f"{path} does not hold requests and their times: {error}") from error
