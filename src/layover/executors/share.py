"""What several stages need: made by one, kept in the store, opened by the others."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress

from layover.errors import LeaseLost, StoreError
from layover.lease import Lease
from layover.stage import Made, Shared
from layover.store import Store


def share(thing: Shared[Made], store: Store, say: Callable[[str], None]) -> Made:
    """What the store keeps of a thing, made and kept first where it has none, or a damaged one.

    One process makes it, and others that want it wait while that one lives. Where it cannot be
    kept (a full disk, say), this process has it in memory, and says so. Raises whatever making it
    raises.
    """
    found = _opened(thing, store)
    if found is not None:
        return found
    with ExitStack() as held:
        try:
            lease = held.enter_context(
                store.lease(thing, lambda holder: say(f"waits for {holder}: {thing.label}"))
            )
            store.recover(thing, lease)
        except (OSError, StoreError) as error:
            return _alone(thing.make(), thing, error, say)
        found = _opened(thing, store)
        if found is not None:
            return found
        made = thing.make()
        try:
            return _kept(made, thing, store, lease)
        except (OSError, StoreError, ValueError) as error:
            if not isinstance(error, LeaseLost):
                with suppress(OSError):
                    shutil.rmtree(store.work_folder(thing))
            return _alone(made, thing, error, say)


def _opened(thing: Shared[Made], store: Store) -> Made | None:
    try:
        return thing.open(store.result(thing))
    except (OSError, StoreError, ValueError):
        # Not there, or damaged, which the store sees to: it is made anew.
        return None


def _kept(made: Made, thing: Shared[Made], store: Store, lease: Lease) -> Made:
    folder = store.work_folder(thing)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    thing.save(made, folder)
    store.publish(thing, {"label": thing.label}, lease)
    return thing.open(store.result(thing))


def _alone(made: Made, thing: Shared[Made], error: Exception, say: Callable[[str], None]) -> Made:
    say(f"{thing.label}: in memory only, for it cannot be kept ({error})")
    return made
