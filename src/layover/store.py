"""Results on disk.

    STORE/results/<kind>-<key>/record.json    written last: its presence says "complete"
    STORE/results/<kind>-<key>/...            what the stage wrote
    STORE/work/<kind>-<key>/...               a stage under way, or one that was killed
    STORE/work/<kind>-<key>.lease             who works on it, renewed while they live

Completeness never rests on an atomic rename, so shared and object stores will do.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from layover.errors import DamagedResult, StoreError
from layover.stage import Stage

FORMAT = 1
"""The version of this layout; a store of a newer one is refused."""

LEASE_SECONDS = 60.0
"""A lease that was not renewed for so long belongs to nobody."""

RECORD = "record.json"
SCRATCH = "scratch"
"""The folder inside a stage's folder that is not part of its result (checkpoints)."""


class Store:
    """A folder of results, each under the key of its stage."""

    def __init__(self, root: Path) -> None:
        self.root = root
        marker = root / "layover-store.json"
        try:
            if not marker.exists():
                (root / "results").mkdir(parents=True, exist_ok=True)
                (root / "work").mkdir(parents=True, exist_ok=True)
                marker.write_text(json.dumps({"format": FORMAT}), encoding="utf-8")
            found = json.loads(marker.read_text(encoding="utf-8"))["format"]
        except (OSError, ValueError, KeyError) as error:
            raise StoreError(f"{root} cannot be used as a store: {error}") from error
        if found > FORMAT:
            raise StoreError(
                f"{root} was written by a newer Layover (store format {found}, this one writes "
                f"{FORMAT}): update Layover, or name another folder with --store"
            )
        self._verified: set[str] = set()

    def result_folder(self, stage: Stage) -> Path:
        return self.root / "results" / stage.name

    def work_folder(self, stage: Stage) -> Path:
        return self.root / "work" / stage.name

    def record(self, stage: Stage) -> dict[str, Any] | None:
        """What is known of a complete stage, or None. An evicted stage has a record too."""
        path = self.result_folder(stage) / RECORD
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise DamagedResult(
                f"{path} cannot be read ({error}): run the study again, it is made anew"
            ) from error
        return record

    def complete(self, stage: Stage) -> bool:
        """Whether the result is there, every file with the size that it was written with."""
        try:
            record = self.record(stage)
        except DamagedResult:
            return False
        if record is None or record.get("evicted"):
            return False
        folder = self.result_folder(stage)
        return all(_size(folder / name) == entry["size"] for name, entry in record["files"].items())

    def result(self, stage: Stage) -> Path:
        """The folder of a complete result, after comparing its files with their digests.

        Raises `DamagedResult` naming the first file that differs.
        """
        folder = self.result_folder(stage)
        if stage.key in self._verified:
            return folder
        record = self.record(stage)
        if record is None or record.get("evicted"):
            raise StoreError(f"{stage.label} has no result in {self.root}: run the study first")
        for name, entry in record["files"].items():
            path = folder / name
            size = _size(path)
            if size != entry["size"] or digest(path) != entry["sha256"]:
                os.replace(folder / RECORD, folder / f"damaged-{RECORD}")
                raise DamagedResult(
                    f"{path} is not what was written ({size} bytes now, {entry['size']} then): "
                    "run the study again, it is made anew and nothing else is lost"
                )
        self._verified.add(stage.key)
        return folder

    def publish(self, stage: Stage, about: dict[str, Any]) -> None:
        """Make the finished work of a stage its result; the record is written last."""
        work, folder = self.work_folder(stage), self.result_folder(stage)
        shutil.rmtree(work / SCRATCH, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(folder)
        shutil.move(work, folder)
        files = {
            path.relative_to(folder).as_posix(): {
                "size": path.stat().st_size,
                "sha256": digest(path),
            }
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        write_json(folder / RECORD, {**about, "files": files})

    def evict(self, stage: Stage) -> int:
        """Delete the large files of a result, keep its record and logs; returns bytes freed."""
        record = self.record(stage)
        if record is None or record.get("evicted"):
            return 0
        folder, freed = self.result_folder(stage), 0
        write_json(folder / RECORD, {**record, "evicted": True})
        for name in record["files"]:
            path = Path(name)
            if path.suffix not in (".json", ".jsonl", ".log") or path.parts[0] == "models":
                freed += _size(folder / name)
                (folder / name).unlink(missing_ok=True)
        return freed

    @contextmanager
    def lease(self, stage: Stage) -> Iterator[None]:
        """Hold the right to work on a stage; waits while a living process holds it."""
        path = self.root / "work" / f"{stage.name}.lease"
        while not _take(path):
            time.sleep(0.5)
        done = threading.Event()
        keeper = threading.Thread(target=_renew, args=(path, done), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()
            path.unlink(missing_ok=True)


def digest(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, value: object) -> None:
    """Write elsewhere, then move: a reader sees the old file or the whole new one."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
    os.replace(scratch, path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _take(path: Path) -> bool:
    owner = {"host": socket.gethostname(), "pid": os.getpid()}
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump(owner, file)
        return True
    except FileExistsError:
        if _abandoned(path):
            path.unlink(missing_ok=True)
        return False
    except OSError as error:
        raise StoreError(f"cannot write to the store: {error}") from error


def _abandoned(path: Path) -> bool:
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    except ValueError:
        return time.time() - path.stat().st_mtime > LEASE_SECONDS
    if owner.get("host") == socket.gethostname():
        try:
            os.kill(int(owner["pid"]), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            # Another user's process, and alive.
            return age > LEASE_SECONDS
    return age > LEASE_SECONDS


def _renew(path: Path, done: threading.Event) -> None:
    while not done.wait(LEASE_SECONDS / 6):
        try:
            os.utime(path)
        except OSError:
            return
