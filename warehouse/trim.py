"""Free memory given back to the system: a process keeps much of what its threads once used.

Belongs here: what asks the allocators for it.
Does not belong here: what uses memory.
"""

import ctypes

import pyarrow as pa


def give_back() -> None:
    """Give back what Arrow and the C library hold without need, where these can.

    Of 80,000 rooms, the threads of the passes leave some 300 MB behind.
    """
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, other libraries do not
    if trim is not None:
        trim(0)
