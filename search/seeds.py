"""Seeds: every random choice of a search derives from (study seed, trial number, purpose)."""

import enum

import numpy as np


class Purpose(enum.IntEnum):
    """What a seed is for. Values are part of stored searches: only ever add."""

    TRAINING = 0
    PROPOSING = 1
    GENERATING = 2
    REMEASURING = 3
    CONFIRMING = 4


def derive_seed(study_seed: int, purpose: Purpose, number: int = 0) -> int:
    """Returns an integer in [0, 2**31) for one purpose of one trial."""
    sequence = np.random.SeedSequence([study_seed, int(purpose), number])
    return int(sequence.generate_state(1)[0] >> 1)
