"""A stage as another process is asked for it, and how it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from layover.errors import DamagedResult, LayoverError, StageFailed, StudyError
from layover.executors.execute import first_words
from layover.stage import Stage
from layover.study import Origin, Study, load


@lru_cache(maxsize=4)
def _study(file: str, arguments: str) -> Study:
    return load(Origin(file=file, arguments=_pairs(arguments)))


def _pairs(arguments: str) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in json.loads(arguments))


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which stage of which study, in words that any process understands."""

    file: str
    arguments: str
    """In JSON: a list of pairs."""
    key: str

    @staticmethod
    def of(stage: Stage, origin: Origin) -> Request:
        return Request(file=origin.file, arguments=json.dumps(origin.arguments), key=stage.key)

    @property
    def origin(self) -> Origin:
        """Where the study comes from."""
        return Origin(file=self.file, arguments=_pairs(self.arguments))

    def find(self) -> Stage:
        """The stage in a study that is loaded here.

        Raises `StudyError` if the study has changed and holds no such stage any more.
        """
        stage = _study(self.file, self.arguments).by_key.get(self.key)
        if stage is None:
            raise StudyError(
                f"the study holds no stage {self.key} any more: a study file or a data file "
                "changed while it ran; run it again"
            )
        return stage

    def failed(self, error: Exception) -> dict[str, str]:
        """What went wrong with it, for `raised`."""
        damaged = error.key if isinstance(error, DamagedResult) else ""
        return {"failed": self.key, "message": first_words(error), "damaged": damaged}


def raised(answer: Mapping[str, str]) -> LayoverError:
    """The error that `Request.failed` told of."""
    if answer["damaged"]:
        return DamagedResult(answer["message"], answer["damaged"])
    return StageFailed(answer["message"])
