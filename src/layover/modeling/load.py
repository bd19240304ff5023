"""The hand-off between phases: an encoder from one folder under the heads of the next phase.

Which tensors were loaded, which are new and which were left behind is always said, and anything
that was not to be expected is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer

from layover.encoders import Encoder, Folder, Start, origin
from layover.errors import ModelError
from layover.modeling import dual
from layover.modeling.carry import Carried, Policy, choose, relabel
from layover.modeling.folder import TOKENIZERS, about, check, has_tokenizer
from layover.modeling.heads import HEADS, POOLING
from layover.modeling.hub import download
from layover.modeling.run import first_position
from layover.modeling.trial import ready
from layover.stage import Context
from layover.tasks.task import Task

LEFT_BEHIND = {"pooler", "seq_relationship"}
"""Parts of published checkpoints (XLM-R, BERT) that no masked-language model has."""

UNNAMED = ("LABEL_0", "LABEL_1")
"""What transformers calls the classes of a model whose classes have no names; a head for spans has
two of them."""


class Heads(nn.ModuleDict):
    """Models by the name of their task, whatever that is: torch forbids names with dots, and those
    of its own methods."""

    def add_module(self, name: str, module: nn.Module | None) -> None:
        assert module is not None
        self._modules[name] = module


@dataclass(frozen=True, kw_only=True)
class Model:
    """A tokenizer, and one Hugging Face model a task, all over the same encoder."""

    tokenizer: Any
    heads: Heads
    handoff: str
    """What was loaded, what is new and what was dropped, in a sentence."""
    rows: str = ""
    """The digest of the rows that the word table holds, "" for all."""


def folders_of(start: Start, context: Context) -> tuple[Path, ...]:
    """The model folders of a start: one for each head that it has."""
    if isinstance(start, Encoder):
        return (download(start),)
    if isinstance(start, Folder):
        return (Path(start.path),)
    models = context.result(start) / "models"
    return tuple(sorted(path.parent for path in models.glob("**/config.json")))


def load(
    start: Start,
    tasks: Sequence[Task],
    policy: Policy,
    seed: int,
    context: Context,
    head_of: Start | None = None,
) -> Model:
    """One encoder from `start` under a head for each task.

    New heads are drawn from `seed`, others are carried from `start` or, unchanged with all that
    they hold, from `head_of`. Raises `ModelError` for a folder that is missing, truncated or has
    other tensors than its configuration says, and for a head that cannot be carried.
    """
    folders = folders_of(start, context)
    lenders = folders if head_of is None else folders_of(head_of, context)
    # What was trained from an encoder with code of its own carries that code with it.
    first = origin(start)
    remote = isinstance(first, Encoder) and first.remote_code
    base, notes = load_encoder(folders[0], remote)
    _forget(base.config)
    torch.manual_seed(seed)
    heads: dict[str, Any] = {}
    for task in tasks:
        carried = _carried(lenders, task, policy)
        if task.type.head == "dual":
            source = carried.source if carried else None
            heads[task.name] = dual.over(base, task, source, notes)
        elif carried is None:
            heads[task.name] = _fresh(base, folders[0], task, remote, notes)
        else:
            heads[task.name] = _whole(carried.source, HEADS[task.type.head].auto, remote)
            if head_of is not None:
                _lend(heads[task.name], base, carried.source)
            mapped = relabel(heads[task.name], carried) if carried.pairs else ""
            notes.append(f"head of {task.name} carried from {carried.source.name}{mapped}")
    _share(list(heads.values()), base)
    tokenizer = load_tokenizer(folders[0], base, remote)
    ready([(task.type.head, heads[task.name]) for task in tasks], tokenizer)
    return Model(tokenizer=tokenizer, heads=Heads(heads), handoff="; ".join(notes))


def load_whole(folder: Path) -> Model:
    """A model that Layover wrote, as it is. Raises `ModelError` as `load` does."""
    told = about(folder)
    if told["head"] == "dual":
        head = dual.whole(load_encoder(folder)[0], folder)
    else:
        head = _whole(folder, HEADS[told["head"]].auto)
    tokenizer = load_tokenizer(folder, head.base_model)
    ready([(told["head"], head)], tokenizer)
    return Model(tokenizer=tokenizer, heads=Heads({told["task"]: head}), handoff="")


def load_tokenizer(folder: Path, base: Any, remote: bool = False) -> Any:
    """The folder's tokenizer, which knows no more tokens than the encoder `base`."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=remote)
    except Exception as error:  # The library raises whatever a broken file leads to.
        raise ModelError(f"{folder}: its tokenizer cannot be loaded: {error}") from error
    known, rows = len(tokenizer), len(base.get_input_embeddings().weight)
    if not has_tokenizer(folder) or known > rows:
        raise ModelError(
            f"{folder} has no tokenizer that fits its encoder ({known} tokens, {rows} embeddings): "
            f"expected one of {', '.join(TOKENIZERS)}"
        )
    return tokenizer


def load_encoder(folder: Path, remote: bool = False) -> tuple[Any, list[str]]:
    """The bare encoder of a model folder, and what became of the folder's tensors."""
    base, info = _pretrained(AutoModel, folder, remote)
    parts = {name for name, _ in base.named_children()} - {"pooler"}
    missing = [name for name in info["missing_keys"] if not name.startswith("pooler.")]
    lost = [name for name in info["unexpected_keys"] if _inside(name, base, parts)]
    wrong = [str(item) for item in info["mismatched_keys"]]
    for what, names in (("lacks", missing), ("does not expect", lost), ("misshapes", wrong)):
        if names:
            raise ModelError(
                f"{folder}: the encoder that config.json describes {what} {len(names)} tensors "
                f"({', '.join(sorted(names)[:3])}, ...): configuration and weights do not belong "
                "together"
            )
    loaded = len(base.state_dict()) - len(info["missing_keys"])
    if len(missing) < len(info["missing_keys"]):
        # Transformers made up a pooler, from numbers that no seed decides: a head that needs one
        # draws its own.
        base.pooler = None
    notes = [f"{loaded} encoder tensors loaded from {folder.name}"]
    if dropped := sorted({name.partition(".")[0] for name in info["unexpected_keys"]}):
        notes.append(f"dropped: {', '.join(dropped)}")
    return base, notes


def _inside(name: str, base: Any, parts: set[str]) -> bool:
    bare = name.removeprefix(f"{base.base_model_prefix}.")
    return bare.partition(".")[0] in parts


def _whole(folder: Path, auto: str, remote: bool = False) -> Any:
    """A model with its head, every tensor of which must be there."""
    model, info = _pretrained(getattr(transformers, auto), folder, remote)
    lost = [name for name in info["unexpected_keys"] if not set(name.split(".")) & LEFT_BEHIND]
    wrong = [*info["missing_keys"], *lost, *info["mismatched_keys"]]
    if wrong:
        raise ModelError(
            f"{folder} does not hold a whole {auto}: {len(wrong)} tensors differ "
            f"({', '.join(map(str, wrong[:3]))}, ...)"
        )
    return model


def _pretrained(auto: Any, folder: Path, remote: bool) -> tuple[Any, dict[str, Any]]:
    check(folder)
    try:
        with _quiet():
            model, info = auto.from_pretrained(
                folder,
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=remote,
                output_loading_info=True,
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{folder} cannot be loaded as {auto.__name__}: {error}") from error
    wrong = [name for name, tensor in model.named_parameters() if not _finite(tensor)]
    if wrong:
        raise ModelError(
            f"{folder}: {len(wrong)} tensors hold numbers that are not finite "
            f"({', '.join(wrong[:3])}, ...): no training can start from them"
        )
    return model, info


@torch.no_grad()
def _finite(tensor: torch.Tensor) -> bool:
    # The extremes tell, and need no memory: a table of words may have a billion entries.
    return not tensor.numel() or all(bool(end.isfinite()) for end in torch.aminmax(tensor))


def _fresh(base: Any, folder: Path, task: Task, remote: bool, notes: list[str]) -> Any:
    """A new head for `task` over a copy of the base's weights."""
    head = HEADS[task.type.head]
    config = AutoConfig.from_pretrained(folder, trust_remote_code=remote)
    _forget(config)
    if labels := task.type.labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: number for number, label in enumerate(labels)}
    model = getattr(transformers, head.auto).from_config(config, trust_remote_code=remote)
    mine = dict(model.base_model.state_dict())
    theirs = {name: value for name, value in base.state_dict().items() if name in mine}
    model.base_model.load_state_dict(theirs, strict=False)
    known = {model.base_model.state_dict()[name].data_ptr() for name in theirs}
    new = [name for name, value in model.state_dict().items() if value.data_ptr() not in known]
    notes.append(f"new for {task.name}: {', '.join(sorted(new))}")
    return model


def _forget(config: Any) -> None:
    """Take what a configuration says of the folder's own head out of it."""
    config.id2label = dict(enumerate(UNNAMED))
    config.label2id = {label: number for number, label in enumerate(UNNAMED)}
    config.problem_type = None
    if hasattr(config, POOLING):
        delattr(config, POOLING)


def _carried(folders: Sequence[Path], task: Task, policy: Policy) -> Carried | None:
    """The head that `task` goes on with, None for a new one."""
    found = [Carried(source=folder, told=about(folder)) for folder in folders]
    if task.type.head == "lm":
        mine = next((each for each in found if each.told.get("head") == "lm"), None)
        if mine is None and policy == "unchanged":
            raise ModelError(
                f"{folders[0]} has no masked-language-model head to score {task.name} with, and a "
                "new one has learned nothing: name one that has with head_of, or leave the text out"
            )
        return mine
    if policy == "new" or task.type.head == "embed":
        return None
    return choose(found, task, policy)


def _share(models: Sequence[Any], base: Any) -> None:
    """Put the same encoder under every model. A pooler belongs to the head that uses it."""
    for model in models[1:]:
        _put(models[0].base_model, model.base_model)
        model.tie_weights()


def _put(encoder: Any, place: Any) -> None:
    """Put the parts of an encoder in the place of another's; its pooler stays."""
    for name, child in encoder.named_children():
        if name != "pooler" and hasattr(place, name):
            setattr(place, name, child)


def _lend(model: Any, encoder: Any, source: Path) -> None:
    """Put `encoder` under the head of a model, which keeps what it shares with its own encoder
    (that of a masked language model the word table, which scores the words)."""
    place = model.base_model
    shapes = [_shapes(each) for each in (place, encoder)]
    _put(encoder, place)
    known = {id(tensor) for tensor in encoder.parameters()}
    own = [name for name, each in place.named_parameters() if id(each) not in known]
    if shapes[0] != shapes[1] or any(not name.startswith("pooler.") for name in own):
        raise ModelError(
            f"the head of {source} cannot score the states of another encoder than its own: take "
            "one of the same shape"
        )


def _shapes(encoder: Any) -> dict[str, tuple[int, ...]]:
    return {
        name: tuple(tensor.shape)
        for name, tensor in encoder.named_parameters()
        if not name.startswith("pooler.")
    }


def positions(encoder: Any) -> int | None:
    """Tokens of the longest sequence that an encoder takes; None where it has no limit."""
    for name, module in encoder.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            return module.num_embeddings - first_position(encoder)
    if getattr(encoder.config, "relative_attention", False):
        return None
    # Rotary positions have no table; beyond these are angles that no training has seen.
    return getattr(encoder.config, "max_position_embeddings", None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' own loading report, unordered and alarming, out of the log: the
    hand-off is said in our words."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
