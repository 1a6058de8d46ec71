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
    is_open |= counts.sum(axis=-1, keepdims=True) == 0  # where nothing is, room_days says so
    low = np.where(is_open, truth, 0.0)
    high = np.where(is_open, truth, np.where(visible[:, :, None], few, np.inf))
    if limits is not None:
        low, high = np.maximum(low, limits[0]), np.minimum(high, limits[1])
    for _ in range(_BOUND_ROUNDS):
        before = low.sum(), np.where(np.isinf(high), 0, high).sum(), np.isinf(high).sum()
        _tighten_bands(low, high, counts, visible)
        _tighten_places(low, high, parent)
        _tighten_rests(low, high, parent)
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


def _tighten_rests(low: Floats, high: Floats, parent: Counts) -> None:
    """Pass bounds on between months for what some parts of a place leave of it.

    Together they are told of all months where the other parts are, each alone perhaps of none.
    """
    for whole in np.unique(parent[parent >= 0]):
        parts = np.flatnonzero(parent == whole)
        if len(parts) < 3:
            continue
        part_low, part_high = low[parts], high[parts]
        is_told = np.broadcast_to(part_low[:, :1] == part_high[:, :1], part_low.shape)
        sides = is_told, ~is_told
        least = np.stack([np.where(side, part_low, 0).sum(axis=0) for side in sides])
        most = np.stack([np.where(side, part_high, 0).sum(axis=0) for side in sides])
        for _ in range(2):
            least = np.maximum(least, low[whole] - most[::-1])
            most = np.minimum(most, high[whole] - least[::-1])
            _tighten_months(least, most)
        for side, side_low, side_high in zip(sides, least, most, strict=True):
            own_low, own_high = np.where(side, part_low, 0), np.where(side, part_high, 0)
            upper = side_high - (own_low.sum(axis=0) - own_low)
            lower = side_low - _sum_of_others(own_high, axis=0)
            high[parts] = np.where(side, np.minimum(high[parts], upper), high[parts])
            low[parts] = np.where(side, np.maximum(low[parts], lower), low[parts])


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
