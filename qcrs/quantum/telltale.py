"""How well golds can be told from targets by their angles: the area under a classifier's ROC curve.

The classifier knows some rounds' kinds and guesses the others', which is more than any processor knows, and looks at
what gives golds away: how near the nearest rounds are, how many share an angle, how far from the middle a round lies,
whether sums of rounds coincide (mirrored pairs, golds added up from targets), how many digits were written, and the
angles themselves. One half means that it guesses. What it does not look at, it cannot find.
"""

import numpy as np

from qcrs.quantum.angles import Chance

TELLTALE_AUC = 0.6  # above, golds do not count for soundness

_FOLDS = 5
_STEPS = 60
_STEP = 0.3
_CUTS = np.linspace(0.1, 0.9, 9)
_ROUNDING = 1e-7
_MOST_COLUMNS = 64


def telltale_auc(targets: np.ndarray, golds: np.ndarray, chance: Chance) -> float:
    """Return the cross-validated AUC of telling *golds* from *targets*, rows of free angles."""
    rows = np.concatenate((targets, golds))
    return classifier_auc(features(rows, chance), np.arange(len(rows)) >= len(targets), chance)


def classifier_auc(table: np.ndarray, positive: np.ndarray, chance: Chance) -> float:
    """Return the cross-validated AUC of telling the *positive* rows of *table*; about 0.5 by chance.

    Boosted stumps: every step adds the yes-or-no question that correlates best with what is left to explain.
    """
    cuts = np.quantile(table, _CUTS, axis=0)  # of all rows: thresholds know no kinds
    questions = (table[:, None, :] > cuts[None]).reshape(len(table), -1).astype(float)
    questions = np.unique(questions, axis=1)
    questions = questions[:, questions.std(axis=0) > 0]
    if not questions.size:
        return 0.5
    areas = []
    folds = _folds(positive, chance)
    for fold in range(_FOLDS):
        held = folds == fold
        guess = _boosted(questions[~held], positive[~held], questions[held])
        areas.append(area(guess[positive[held]], guess[~positive[held]]))
    return float(np.mean(areas))


def area(positive: np.ndarray, negative: np.ndarray) -> float:
    """Return the probability that a value of *positive* exceeds one of *negative*, ties counted half."""
    _, inverse, counts = np.unique(np.concatenate((positive, negative)), return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - (counts - 1) / 2
    ranks = middles[inverse][: len(positive)]
    return float((ranks.sum() - len(positive) * (len(positive) + 1) / 2) / (len(positive) * len(negative)))


def features(rows: np.ndarray, chance: Chance) -> np.ndarray:
    """Return what can be seen of each of *rows* among the others, one column for each feature."""
    spread = rows.std(axis=0)
    scaled = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1)
    apart = np.sort(_distances(scaled), axis=1)[:, : min(5, len(rows) - 1)]
    rounded = np.round(rows / _ROUNDING)
    shared = np.stack([_multiplicity(rounded[:, column]) for column in range(rows.shape[1])], axis=1)
    digits = np.array([[len(repr(angle)) for angle in row] for row in rows.tolist()])
    lattice = np.abs(rows / (np.pi / 4) - np.round(rows / (np.pi / 4)))
    summary = [
        *apart.T,
        np.log(shared).mean(axis=1),
        (shared == 1).mean(axis=1),
        np.linalg.norm(scaled, axis=1),
        np.abs(scaled).max(axis=1),
        _coincidences(scaled, chance),
        digits.mean(axis=1),
        digits.max(axis=1),
        lattice.min(axis=1),
    ]
    wide = scaled[:, :_MOST_COLUMNS]
    return np.column_stack([*summary, wide, np.sin(rows[:, :_MOST_COLUMNS]), np.cos(rows[:, :_MOST_COLUMNS])])


def _distances(rows: np.ndarray) -> np.ndarray:
    squares = (rows**2).sum(axis=1)
    apart = np.sqrt(np.maximum(0, squares[:, None] + squares[None] - 2 * rows @ rows.T))
    np.fill_diagonal(apart, np.inf)
    return apart


def _multiplicity(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return counts[inverse]


def _coincidences(rows: np.ndarray, chance: Chance) -> np.ndarray:
    """Return, on a logarithmic scale, how many sums a + b = c + d of whole rows each row takes part in."""
    first, second = np.triu_indices(len(rows))
    shadow = rows @ chance.normal(rows.shape[1])  # equal rows have equal shadows, others hardly ever
    times = _multiplicity(np.round((shadow[first] + shadow[second]) / _ROUNDING)) - 1
    return np.log1p(np.bincount(first, times, len(rows)) + np.bincount(second, times, len(rows)))


def _folds(positive: np.ndarray, chance: Chance) -> np.ndarray:
    """Return a fold for each row, each fold with its share of both kinds."""
    folds = np.empty(len(positive), dtype=int)
    for kind in (False, True):
        members = np.flatnonzero(positive == kind)
        folds[members[chance.order(len(members))]] = np.arange(len(members)) % _FOLDS
    return folds


def _boosted(questions: np.ndarray, positive: np.ndarray, asked: np.ndarray) -> np.ndarray:
    centre, spread = questions.mean(axis=0), questions.std(axis=0)
    spread = np.where(spread > 0, spread, np.inf)
    known, unknown = (questions - centre) / spread, (asked - centre) / spread
    left = np.where(positive, 1.0 / positive.mean(), -1.0 / (1 - positive.mean()))
    guess = np.zeros(len(asked))
    for _ in range(_STEPS):
        gains = known.T @ left / len(left)
        best = int(np.argmax(np.abs(gains)))
        left = left - _STEP * gains[best] * known[:, best]
        guess = guess + _STEP * gains[best] * unknown[:, best]
    return guess
