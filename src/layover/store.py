"""Results on disk.

    STORE/results/<kind>-<key>/record.json    written last: its presence says "complete"
    STORE/results/<kind>-<key>/...            what the stage wrote
    STORE/features/features-<key>/...         what stages share, in the same form; may be deleted
    STORE/work/<kind>-<key>/...               a stage under way, or one that was killed
    STORE/work/<kind>-<key>.lease             who works on it (see `layover.lease`)
    STORE/studies/<name>.json                 the stages of a study when it was last run

Completeness never rests on an atomic rename, so shared and object stores will do. Reading writes
nothing, so a complete store may be read-only. Nothing that is read is a pickle or an archive.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from layover.errors import DamagedResult, StoreError
from layover.lease import Lease, beside, hold, sweep
from layover.stage import Kept, Stage

FORMAT = 1
"""The version of this layout; a store of a newer one is refused."""

JSON_BYTES = 2**26
"""No record is longer; what is came from elsewhere."""

MARKER = "layover-store.json"
RECORD = "record.json"
PENDING = "pending-record.json"
"""The record of a result that is being published."""

FEATURES = "features"
"""The room of what stages share, and the kind of it."""

SCRATCH = "scratch"
"""The folder inside a stage's folder that is not part of its result (checkpoints)."""


class Store:
    """A folder of results, each under the key of its stage."""

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        """With `read_only`, a damaged result is told of and nothing is changed; otherwise it is set
        aside as well, so that it is made anew."""
        self.root, self.read_only = root, read_only
        self._verified: dict[str, tuple[int, int]] = {}
        marker = root / MARKER
        try:
            if root.exists() and not root.is_dir():
                raise NotADirectoryError("it is not a folder")
            if not marker.exists():
                return
            found = read_json(marker)["format"]
            newer = found > FORMAT
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{root} cannot be used as a store: {error}") from error
        if newer:
            raise StoreError(
                f"{root} was written by a newer Layover (store format {found}, this one writes "
                f"{FORMAT}): update Layover, or name another folder with --store"
            )

    @property
    def exists(self) -> bool:
        """Whether anything was ever stored here."""
        return (self.root / MARKER).is_file()

    def prepare(self) -> None:
        """Make the folders that writing needs. Raises `StoreError` where that cannot be."""
        try:
            for name in ("results", FEATURES, "work", "studies"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            if not self.exists:
                write_json(self.root / MARKER, {"format": FORMAT})
        except OSError as error:
            raise StoreError.refused(f"{self.root} cannot be used as a store", error) from error

    def result_folder(self, stage: Kept) -> Path:
        return self.root / stage.room / stage.name

    def work_folder(self, stage: Kept) -> Path:
        return self.root / "work" / stage.name

    def record(self, stage: Kept) -> dict[str, Any] | None:
        """What is known of a complete stage, or None. An evicted stage has a record too."""
        path = self.result_folder(stage) / RECORD
        try:
            return _checked(read_json(path))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise DamagedResult(
                f"{path} cannot be read ({error}): run the study again, it is made anew", stage.key
            ) from error

    def complete(self, stage: Kept) -> bool:
        """Whether the result is there, every file with the size that it was written with."""
        try:
            record = self.record(stage)
        except DamagedResult:
            return False
        if record is None or record.get("evicted"):
            return False
        return _whole(self.result_folder(stage), record)

    def result(self, stage: Kept) -> Path:
        """The folder of a complete result, after comparing its files with their digests.

        Raises `DamagedResult` naming the first file that differs; the result then no longer counts
        as complete, unless this store is only read.
        """
        folder = self.result_folder(stage)
        stamp = _stamp(folder / RECORD)
        if stamp and self._verified.get(stage.key) == stamp:
            return folder
        record = self.record(stage)
        if record is None or record.get("evicted"):
            raise DamagedResult(
                f"{stage.label} has no result in {self.root}: run the study first", stage.key
            )
        for name, entry in record["files"].items():
            path = folder / name
            size = _size(path)
            if size != entry["size"] or digest(path) != entry["sha256"]:
                # Where nothing can be written the damage is said all the same.
                if not self.read_only:
                    with suppress(OSError):
                        os.replace(folder / RECORD, folder / f"damaged-{RECORD}")
                was = entry["size"]
                how = "other bytes" if size == was else f"{max(size, 0)} bytes now, {was} then"
                raise DamagedResult(
                    f"{path} is not what was written ({how}): run the study again, it is made "
                    "anew and nothing else is lost",
                    stage.key,
                )
        if stamp:
            self._verified[stage.key] = stamp
        return folder

    def publish(self, stage: Kept, about: Mapping[str, Any], lease: Lease) -> None:
        """Make the finished work of a stage its result; the record is written last.

        Raises `LeaseLost` where another process has taken over.
        """
        work = self.work_folder(stage)
        _drop_drafts(work / PENDING)
        files = {
            path.relative_to(work).as_posix(): {
                "size": path.stat().st_size,
                "sha256": digest(path),
            }
            for path in sorted(work.rglob("*"))
            if path.is_file() and path.relative_to(work).parts[0] != SCRATCH
        }
        lease.renew()
        write_json(work / PENDING, {**about, "files": files})
        self.recover(stage, lease)

    def recover(self, stage: Kept, lease: Lease) -> bool:
        """Go on with a publication, also one that was cut short anywhere; False if there is
        nothing that could be published."""
        work, folder = self.work_folder(stage), self.result_folder(stage)
        if _pending(work):
            shutil.rmtree(work / SCRATCH, ignore_errors=True)
            lease.renew()
            # What is left of an evicted or damaged result, or of a move that was cut short.
            if folder.exists():
                shutil.rmtree(folder)
            shutil.move(work, folder)
        if not _pending(folder):
            return False
        # Where a move is a copy, and was killed while it cleared up behind itself.
        shutil.rmtree(work, ignore_errors=True)
        os.replace(folder / PENDING, folder / RECORD)
        return True

    def evict(self, stage: Stage) -> int:
        """Delete the large files of a result, keep its record and logs; returns bytes freed. An
        eviction that was cut short is finished."""
        record = self.record(stage)
        if record is None:
            return 0
        folder, freed = self.result_folder(stage), 0
        if not record.get("evicted"):
            write_json(folder / RECORD, {**record, "evicted": True})
        _drop_drafts(folder / RECORD)
        for name in record["files"]:
            path = folder / name
            large = path.suffix not in (".json", ".jsonl", ".log") or name.startswith("models/")
            # A link in a store from elsewhere must not lead out of it.
            if large and path.exists() and path.resolve().is_relative_to(folder.resolve()):
                freed += _size(path)
                path.unlink()
        return freed

    def clear(self, stage: Stage) -> int:
        """Delete what a killed process left of a stage that is complete, unless one works on it;
        returns bytes freed."""
        work, lease = self.work_folder(stage), Lease(self._lease(stage))
        left = work.exists() or lease.path.exists()
        if not left or not self.complete(stage) or not lease.take():
            return 0
        try:
            return _delete(work)
        finally:
            lease.release()

    def forget(self) -> int:
        """Delete what stages share, unless one makes it; returns bytes freed."""
        freed = 0
        rooms = (self.root / FEATURES, self.root / "work")
        found = (path for room in rooms for path in room.glob(f"{FEATURES}-*"))
        for name in sorted({path.name.removesuffix(".lease") for path in found}):
            lease = Lease(self.root / "work" / f"{name}.lease")
            if not lease.take():
                continue
            try:
                freed += sum(_delete(room / name) for room in rooms)
            finally:
                lease.release()
        return freed

    def sweep(self) -> int:
        """Delete the drafts of processes that were killed while they wrote; returns bytes freed."""
        return sum(sweep(self.root / name) for name in ("", "work", "studies"))

    @contextmanager
    def lease(
        self, stage: Kept, waits: Callable[[str], None] = lambda holder: None
    ) -> Iterator[Lease]:
        """Hold the right to work on a stage; waits while a living process holds it, and tells
        `waits` once which."""
        self.prepare()
        with hold(self._lease(stage), waits) as lease:
            yield lease

    def _lease(self, stage: Kept) -> Path:
        return self.root / "work" / f"{stage.name}.lease"


def digest(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path, limit: int = JSON_BYTES) -> Any:
    """The value in a JSON file of at most `limit` bytes; raises `ValueError` for anything else."""
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"it is longer than {limit} bytes")
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def write_json(path: Path, value: object) -> None:
    """Write elsewhere, then move: a reader sees the old file or the whole new one."""
    scratch = beside(path)
    try:
        scratch.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
        os.replace(scratch, path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise


def _delete(folder: Path) -> int:
    """Delete a folder that may be there; returns bytes freed."""
    if not folder.exists():
        return 0
    freed = sum(_size(path) for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder)
    return freed


def _drop_drafts(path: Path) -> None:
    """Delete what a process that was killed while it wrote `path` left beside it."""
    for draft in path.parent.glob(f".{path.name}.*"):
        draft.unlink(missing_ok=True)


def _checked(record: Any) -> dict[str, Any]:
    """A record in the form that we write, whose files lie inside its folder."""
    if not isinstance(record, dict) or not isinstance(record.get("files"), dict):
        raise ValueError("it is not a record")
    for name, entry in record["files"].items():
        path = PurePosixPath(name)
        if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name:
            raise ValueError(f"it names a file outside its folder: {name!r}")
        if not isinstance(entry, dict) or not {"size", "sha256"} <= entry.keys():
            raise ValueError(f"it does not say what {name!r} should be")
    return record


def _pending(folder: Path) -> bool:
    """Whether everything of a result that is being published is in this folder."""
    try:
        return _whole(folder, _checked(read_json(folder / PENDING)))
    except (OSError, ValueError):
        return False


def _whole(folder: Path, record: Mapping[str, Any]) -> bool:
    return all(_size(folder / name) == entry["size"] for name, entry in record["files"].items())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file is written anew."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_ino
