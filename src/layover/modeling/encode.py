"""The units of a data set for an encoder: encoded once, for all stages that read it so."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tokenizers
import transformers
from transformers import PreTrainedTokenizerFast

from layover import spec, tasks
from layover.modeling.features import Columns, Features, Ragged
from layover.stage import Context
from layover.store import FEATURES
from layover.tasks.task import Data, Task


@dataclass(frozen=True, eq=False)
class Names(Columns[str]):
    """Strings that stay where they were saved until one is asked for."""

    letters: Ragged
    """Their UTF-8."""

    @classmethod
    def of(cls, names: Iterable[str]) -> Names:
        return cls(Ragged.of(name.encode("utf-8", "surrogatepass") for name in names))

    def __len__(self) -> int:
        return len(self.letters)

    def item(self, at: int) -> str:
        letters = self.letters.row(at)
        return bytes(letters.astype(np.uint8)).decode("utf-8", "surrogatepass")


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoded:
    """The n examples of a data set as an encoder reads them."""

    units: Features
    names: Names
    """The id of each example."""
    languages: Any
    """int64 [languages]: how many examples each has; they lie language by language."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The units of each language that has any."""
        ends = np.searchsorted(self.units.examples, np.cumsum(self.languages))
        return tuple(int(size) for size in np.diff(ends, prepend=0) if size)


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoding:
    """How a data set is encoded, under a key that says what decides it: the tokenizer's contents,
    the data with their task type, the longest sequence, the code that encodes, and the libraries'
    versions."""

    room: ClassVar[str] = FEATURES
    data: Data
    tokenizer: Any
    max_length: int
    context: Context

    @cached_property
    def key(self) -> str:
        # How often a training draws a language changes no unit.
        data = replace(self.data, exponent=None)
        versions = (tokenizers.__version__, transformers.__version__)
        code = (_ours(), _foreign(self.data.task))
        form = ("features", code, versions, _contents(self.tokenizer), data, self.max_length)
        return spec.key(form)

    @property
    def name(self) -> str:
        return f"{FEATURES}-{self.key}"

    @property
    def label(self) -> str:
        return f"{self.data.label} {self.data.split} in tokens"

    def make(self) -> Encoded:
        """Read the examples and encode them."""
        examples = self.context.data(self.data)
        kind = self.data.task.type
        units = kind.encode(examples.items, self.tokenizer, self.max_length)
        return Encoded(
            units=Features.of(units),
            names=Names.of(example.id for example in examples.items),
            languages=np.array([examples.languages.count(code) for code in self.data.languages]),
        )

    def save(self, made: Encoded, folder: Path) -> None:
        made.units.save(folder)
        made.names.letters.save(folder, "names")
        np.save(folder / "languages.npy", made.languages)

    def open(self, folder: Path) -> Encoded:
        return Encoded(
            units=Features.open(folder),
            names=Names(Ragged.open(folder, "names")),
            languages=np.load(folder / "languages.npy", allow_pickle=False),
        )


def encoded(data: Data, tokenizer: Any, max_length: int, context: Context) -> Encoded:
    """The examples of `data` in units of at most `max_length` tokens a sequence, from the store
    if a stage encoded them so before."""
    encoding = Encoding(data=data, tokenizer=tokenizer, max_length=max_length, context=context)
    return context.shared(encoding) if _known(tokenizer, data.task) else encoding.make()


def _known(tokenizer: Any, task: Task) -> bool:
    """Whether what is encoded follows from the key: not if the tokenizer came with its own code,
    or if code of the task cannot be read."""
    ours = type(tokenizer).__module__.startswith("transformers.")
    if not (ours and isinstance(tokenizer, PreTrainedTokenizerFast)):
        return False
    try:
        _foreign(task)
    except (OSError, TypeError):
        return False
    return True


@cache
def _ours() -> str:
    """The text of all that makes units of files. What is encoded is cheap to make again, so that
    nothing rests on versions that are raised by hand."""
    here = (Path(__file__), Path(inspect.getfile(Features)))
    package = Path(inspect.getfile(tasks)).parent
    texts = [path.read_bytes() for path in (*here, *sorted(package.rglob("*.py")))]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def _foreign(task: Task) -> tuple[str, ...]:
    """The modules outside Layover whose code a task runs, as hashes of their text.

    Raises `OSError` or `TypeError` for code that is not in a file.
    """
    parse = task.parse if inspect.isfunction(task.parse) else type(task.parse)
    classes = (*type(task.type).__mro__, *type(task.source).__mro__)
    names = {thing.__module__ for thing in (parse, *classes)}
    return tuple(_text(name) for name in sorted(names) if _outside(name))


def _outside(module: str) -> bool:
    package = module.partition(".")[0]
    return package != "layover" and package not in sys.stdlib_module_names


def _text(module: str) -> str:
    if module not in sys.modules:
        raise OSError(f"{module} is no module that is loaded")
    return hashlib.sha256(inspect.getsource(sys.modules[module]).encode()).hexdigest()


def _contents(tokenizer: Any) -> tuple[Any, ...]:
    """What decides the tokens of a text, wherever the tokenizer lies."""
    backend = tokenizer.backend_tokenizer
    # What the last call asked for; the next one says it again.
    backend.no_truncation()
    backend.no_padding()
    return (
        type(tokenizer).__name__,
        hashlib.sha256(backend.to_str().encode()).hexdigest(),
        tuple(sorted((name, str(token)) for name, token in tokenizer.special_tokens_map.items())),
        tuple(tokenizer.model_input_names),
        tokenizer.truncation_side,
        bool(tokenizer.split_special_tokens),
    )
