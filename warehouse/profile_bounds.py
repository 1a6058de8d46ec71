"""What all published sums together say of the counts that are hidden: the least, and the most.

Belongs here: passing bounds on from sum to sum, of bands, places and months, until nothing moves.
Does not belong here: what is hidden because of it (``suppression.py``).
"""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Counts: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]

_BOUND_ROUNDS: Final = 15


def pinned(  # noqa: PLR0913, PLR0917 - what is known, and of what
    counts: Counts,
    parent: Counts,
    known: Flags,
    visible: Flags,
    k: int,
    limits: tuple[Floats, Floats] | None = None,
) -> Flags:
    """Return the hidden counts that all sums together pin down to within 1 to k-1.

    ``limits`` are the least and the most of each count that another measure tells.
    """
    truth = counts.astype(np.float64)
    few = np.where(known, 0, truth).sum(axis=-1, keepdims=True)
    # In a cell that hides nothing, a band that is missing is empty.
    is_open = known | (visible[:, :, None] & (few == 0))
    low = np.where(is_open, truth, 0.0)
    high = np.where(is_open, truth, np.where(visible[:, :, None], few, np.inf))
    if limits is not None:
        low, high = np.maximum(low, limits[0]), np.minimum(high, limits[1])
    for _ in range(_BOUND_ROUNDS):
        before = low.sum(), np.where(np.isinf(high), 0, high).sum(), np.isinf(high).sum()
        _tighten_bands(low, high, counts, visible)
        _tighten_places(low, high, parent)
        _tighten_months(low, high)
        after = low.sum(), np.where(np.isinf(high), 0, high).sum(), np.isinf(high).sum()
        if before == after:
            break
    is_pinned: Flags = ~is_open & (counts > 0) & (low >= 1) & (high <= k - 1)
    return is_pinned


def _tighten_bands(low: Floats, high: Floats, counts: Counts, visible: Flags) -> None:
    """Pass bounds on within each cell, whose bands add up to its total."""
    total = np.where(visible, counts.sum(axis=-1), np.nan)
    rest_low = low.sum(axis=-1)[:, :, None] - low
    with np.errstate(invalid="ignore"):
        high[:] = np.fmin(high, total[:, :, None] - rest_low)
        rest_high = _sum_of_others(high, axis=-1)
        low[:] = np.fmax(low, total[:, :, None] - rest_high)


def _tighten_places(low: Floats, high: Floats, parent: Counts) -> None:
    """Pass bounds on between the parts of each place and the place."""
    parts = np.flatnonzero(parent >= 0)
    of = parent[parts]
    wholes = np.unique(of)
    low_sum, high_sum, endless = np.zeros_like(low), np.zeros_like(low), np.zeros_like(low)
    is_endless = np.isinf(high)
    np.add.at(low_sum, of, low[parts])
    np.add.at(high_sum, of, np.where(is_endless, 0.0, high)[parts])
    np.add.at(endless, of, is_endless[parts].astype(np.float64))
    total_high = np.where(endless > 0, np.inf, high_sum)
    low[wholes] = np.maximum(low[wholes], low_sum[wholes])
    high[wholes] = np.minimum(high[wholes], total_high[wholes])
    part_high = high[parts]
    others_endless = endless[of] - is_endless[parts] > 0
    finite = np.where(is_endless[parts], 0.0, part_high)
    rest_high = np.where(others_endless, np.inf, high_sum[of] - finite)
    high[parts] = np.minimum(part_high, high[of] - (low_sum[of] - low[parts]))
    low[parts] = np.maximum(low[parts], low[of] - rest_high)


def _tighten_months(low: Floats, high: Floats) -> None:
    """Pass bounds on between the months of each place and all months together."""
    low[:, 0] = np.maximum(low[:, 0], low[:, 1:].sum(axis=1))
    high[:, 0] = np.minimum(high[:, 0], high[:, 1:].sum(axis=1))
    rest_high = _sum_of_others(high[:, 1:], axis=1)
    rest_low = low[:, 1:].sum(axis=1, keepdims=True) - low[:, 1:]
    high[:, 1:] = np.minimum(high[:, 1:], high[:, :1] - rest_low)
    low[:, 1:] = np.maximum(low[:, 1:], low[:, :1] - rest_high)


def _sum_of_others(values: Floats, axis: int) -> Floats:
    """Return the sum along an axis without each value itself; infinite ones are not subtracted."""
    is_endless = np.isinf(values)
    finite = np.where(is_endless, 0.0, values)
    rest: Floats = np.asarray(finite.sum(axis=axis, keepdims=True) - finite)
    others_endless = is_endless.sum(axis=axis, keepdims=True) - is_endless > 0
    others: Floats = np.where(others_endless, np.inf, rest)
    return others
