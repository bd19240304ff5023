"""Published encoders come whole, from the commit that is named, or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from downloads import logits
from safetensors.torch import load_file

from layover.encoders import Encoder, Folder
from layover.errors import ModelError
from layover.modeling.hub import download
from stub import COMMIT, Hub, Repository, serve

pytestmark = pytest.mark.slow

OTHER = "f" * 40
TESTS = Path(__file__).parents[1]


@pytest.fixture
def offline(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has the cache, and no hub."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


def published(name: str) -> Encoder:
    return Encoder(name="toy", hub=f"someone/{name}", revision=COMMIT)


def fetch(url: str, cache: Path, *wanted: str) -> list[dict[str, str]]:
    """What `downloads.py` says of each NAME=COMMIT that is wanted."""
    paths = [str(TESTS), str(TESTS / "modeling"), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "HF_ENDPOINT": url,
        "HF_HOME": str(cache),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "TRANSFORMERS_OFFLINE"):
        environment.pop(name, None)
    script = str(TESTS / "modeling" / "downloads.py")
    done = subprocess.run(
        [sys.executable, script, str(cache / "logits"), *wanted],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def broken(folder: Path, place: Path, name: str) -> Repository:
    """A repository in which something is not as it should be."""
    shutil.copytree(folder, place / name)
    repository = Repository(folder=place / name)
    weights = place / name / "model.safetensors"
    if name == "pickle":
        weights.rename(place / name / "pytorch_model.bin")
        (place / name / "code.py").write_text("raise SystemExit", encoding="utf-8")
    elif name == "shard":
        index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
        (place / name / "model.safetensors.index.json").write_text(json.dumps(index))
    elif name == "config":
        repository.withheld = ("config.json",)
    elif name == "listed":
        repository.listed = ("more.safetensors",)
    elif name == "gated":
        repository.refusal = (403, "GatedRepo")
    elif name == "refused":
        repository.refusal = (403, "Forbidden")
    elif name == "cut":
        repository.cut = 100
    return repository


ERRORS = {
    "pickle": "snapshots/{commit} has no weights in safetensors form; no other form is loaded",
    "shard": "index.json names model-2.safetensors, which is not there: get the folder again",
    "config": "snapshots/{commit} is not a model folder: it has no config.json",
    "listed": "the hub lists a file that it does not have; take another commit",
    "gated": "it is gated; accept its terms on its page, and log in",
    "refused": "the hub refuses it; log in",
    "cut": "the download did not end well; what came whole is kept, so run it again",
}


@pytest.fixture(scope="module")
def hub(xlmr: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    place = tmp_path_factory.mktemp("repositories")
    repositories = {f"someone/{name}": broken(xlmr, place, name) for name in ERRORS}
    repositories["someone/toy"] = Repository(folder=xlmr)
    repositories["someone/weak"] = Repository(folder=xlmr, cut=2)
    with serve(Hub(repositories=repositories)) as served:
        yield served


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def told(hub: Hub, cache: Path) -> dict[str, dict[str, str]]:
    """What became of every repository, in one process."""
    wanted = [f"{name}={COMMIT}" for name in [*hub.repositories, "someone/nobody"]]
    answers = fetch(hub.url, cache, *wanted, f"someone/toy={OTHER}")
    names = [*hub.repositories, "someone/nobody", "another commit"]
    return dict(zip((name.removeprefix("someone/") for name in names), answers, strict=True))


@pytest.mark.parametrize("name", ["toy", "weak"])
def test_an_encoder_from_the_hub_gives_the_logits_of_the_folder_that_it_was_published_from(
    told: dict[str, dict[str, str]], cache: Path, xlmr: Path, name: str
) -> None:
    # The weak one breaks off twice; the hub's library tries again.
    assert told[name]["folder"].endswith(f"models--someone--{name}/snapshots/{COMMIT}")
    theirs = load_file(cache / "logits")[f"someone/{name}"]
    assert torch.equal(theirs, logits(Folder(path=str(xlmr))))


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_had_whole_is_an_error_that_says_why(
    told: dict[str, dict[str, str]], name: str
) -> None:
    assert ERRORS[name].format(commit=COMMIT) in told[name]["error"]
    assert re.search(f"someone(/|--){name}", told[name]["error"])


def test_a_repository_that_does_not_exist_and_a_commit_that_it_does_not_have_are_told_apart(
    told: dict[str, dict[str, str]],
) -> None:
    assert told["nobody"]["error"].startswith(
        f"someone/nobody at {COMMIT} cannot be had: no such repository, or a private one; check"
    )
    assert told["another commit"]["error"].startswith(
        f"someone/toy at {OTHER} cannot be had: it has no such commit; take one from its page"
    )


def test_no_pickle_and_no_code_is_fetched(told: dict[str, dict[str, str]], hub: Hub) -> None:
    assert "someone/pickle" in " ".join(hub.asked)
    assert not [line for line in hub.asked if line.endswith((".bin", ".py"))]


def test_what_is_here_whole_is_not_asked_for_again(
    told: dict[str, dict[str, str]], hub: Hub, cache: Path
) -> None:
    hub.asked.clear()
    (again,) = fetch(hub.url, cache, f"someone/toy={COMMIT}")
    assert again == told["toy"]
    assert hub.asked == []


@pytest.mark.usefixtures("offline")
def test_a_download_that_broke_off_is_not_loaded_and_goes_on_once_the_hub_is_back(
    told: dict[str, dict[str, str]], hub: Hub, cache: Path, xlmr: Path
) -> None:
    with pytest.raises(ModelError, match="does not hold it whole and the hub was not reached"):
        download(published("cut"))
    hub.repositories["someone/cut"].cut = 0
    hub.asked.clear()
    (online,) = fetch(hub.url, cache, f"someone/cut={COMMIT}")
    assert "error" not in online
    fetched = [line for line in hub.asked if line.startswith("GET") and "resolve" in line]
    assert [line.rpartition("/")[2] for line in fetched] == ["model.safetensors"]
    theirs = load_file(cache / "logits")["someone/cut"]
    assert torch.equal(theirs, logits(Folder(path=str(xlmr))))


@pytest.mark.usefixtures("offline")
def test_a_damaged_cache_is_said_without_the_hub_and_mended_with_it(
    told: dict[str, dict[str, str]], hub: Hub, cache: Path
) -> None:
    weights = Path(told["weak"]["folder"]) / "model.safetensors"
    whole = weights.read_bytes()
    weights.resolve().write_bytes(whole[:-100])
    with pytest.raises(ModelError, match=r"model\.safetensors is damaged .*; the cache in"):
        download(published("weak"))
    (online,) = fetch(hub.url, cache, f"someone/weak={COMMIT}")
    assert "error" not in online
    assert weights.read_bytes() == whole


def test_without_a_network_the_error_says_where_it_looked_and_what_else_would_do(
    tmp_path: Path,
) -> None:
    # Nothing listens at port 9.
    (refused,) = fetch("http://127.0.0.1:9", tmp_path, f"someone/toy={COMMIT}")
    assert refused["error"].startswith(f"someone/toy at {COMMIT} cannot be had: the cache in ")
    assert str(tmp_path) in refused["error"]
    assert (
        "go online (and unset HF_HUB_OFFLINE), or name a folder that you have" in refused["error"]
    )
