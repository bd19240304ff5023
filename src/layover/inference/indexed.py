"""Nearest neighbours by an index of FAISS, for pools that are too large to be searched exactly."""

from __future__ import annotations

from typing import Any

import torch

from layover.errors import StudyError


def indexed(queries: Any, pool: Any, count: int, description: str) -> tuple[Any, Any]:
    """(products, positions) of the `count` nearest of `pool` to each query, both [n, count], as
    far as the index finds them.

    `description` is one of `faiss.index_factory`, and after a semicolon what to set for the search:
    "Flat" (exact, save for the order of equals), "IVF1024,Flat; nprobe=16". Raises `StudyError`
    where FAISS is not installed, does not know the description, or finds fewer than `count`.
    """
    try:
        import faiss
    except ImportError as error:
        raise StudyError(
            f"the index {description!r} needs FAISS, which is not installed: "
            "pip install 'layover[retrieval]', or search exactly, without index"
        ) from error
    faiss.omp_set_num_threads(torch.get_num_threads())
    factory, _, settings = description.partition(";")
    set_for: Any = faiss.ParameterSpace().set_index_parameters
    try:
        index = faiss.index_factory(pool.shape[1], factory.strip(), faiss.METRIC_INNER_PRODUCT)
        index.train(pool)
        index.add(pool)
        if settings:
            set_for(index, settings.replace(" ", ""))
    except RuntimeError as error:
        raise StudyError(f"FAISS cannot make the index {description!r}: {error}") from error
    products, positions = index.search(queries, count)
    if len(positions) and positions.min() < 0:
        raise StudyError(
            f"the index {description!r} finds fewer than {count} neighbours of some vectors: let "
            "it visit more (a higher nprobe), or search exactly, without index"
        )
    return products, positions
