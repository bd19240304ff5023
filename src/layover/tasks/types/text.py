"""Raw text, for masked language modelling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from layover.tasks.task import Example, Tokenizer, Unit, nonempty
from layover.tasks.types.encoding import parts


@dataclass(frozen=True, kw_only=True)
class Text(Example):
    """A paragraph or a sentence."""

    texts: ClassVar[tuple[str, ...]] = ("text",)
    text: str


@dataclass(frozen=True, kw_only=True)
class MaskedText:
    """Masked language modelling (Devlin et al. 2019, 3.1): which tokens are masked is drawn anew
    at every step by the training loop, so a unit's target is ().

    With `beginnings`, only the first row of each paragraph is used; otherwise what does not fit
    goes on in further rows, which begin wherever the one before was full. Small encoders learn far
    faster from rows that begin alike.
    """

    head: ClassVar[str] = "lm"
    sequences: ClassVar[int] = 1
    predictions: ClassVar[str] = "loss"
    version: ClassVar[int] = 1
    labels: ClassVar[tuple[str, ...]] = ()
    rate: float = 0.15
    """Share of tokens to predict; of these 80 % become the mask, 10 % a random token."""
    beginnings: bool = False

    def check(self, example: Text) -> None:
        nonempty(example.text, "text")

    def encode(
        self, examples: Sequence[Text], tokenizer: Tokenizer, max_length: int
    ) -> Iterator[Unit]:
        for part in parts(len(examples)):
            encoded = tokenizer(
                [example.text for example in examples[part]],
                truncation=True,
                max_length=max_length,
                return_overflowing_tokens=not self.beginnings,
                return_attention_mask=False,
                verbose=False,
            )
            count = len(encoded["input_ids"])
            owners = range(count) if self.beginnings else encoded["overflow_to_sample_mapping"]
            for ids, index in zip(encoded["input_ids"], owners, strict=True):
                yield Unit(part.start + index, (tuple(ids),), ((),), ())

    def decode(self, examples: Sequence[Text], units: Sequence[Unit], outputs: Any) -> list[Any]:
        """Per text, the summed loss and the number of the tokens that were masked."""
        sums = [[0.0, 0.0] for _ in examples]
        for unit, (loss, count) in zip(units, outputs, strict=True):
            sums[unit.example][0] += float(loss)
            sums[unit.example][1] += float(count)
        return sums

    def target(self, example: Text) -> list[str]:
        return []

    def chance(self, targets: Sequence[Any], score: Callable[[list[Any]], float]) -> float:
        return float("nan")

    def text(self, example: Text) -> str:
        return example.text
