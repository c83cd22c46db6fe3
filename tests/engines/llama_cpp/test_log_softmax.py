from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from localensemble.engines.llama_cpp.log_softmax import log_normalizers


def test_normalizers_agree_with_scipy_in_double_precision() -> None:
    logits = np.random.default_rng(0).normal(scale=40.0, size=(7, 50_000)).astype(np.float32)
    expected = logsumexp(logits.astype(np.float64), axis=1)
    np.testing.assert_allclose(log_normalizers(logits), expected, rtol=1e-14)


def test_a_row_does_not_depend_on_its_neighbors() -> None:
    logits = np.random.default_rng(1).normal(size=(300, 700)).astype(np.float32)
    together = log_normalizers(logits)
    assert np.array_equal(together, np.concatenate([log_normalizers(row[None]) for row in logits]))


def test_a_number_that_is_none_is_not_hidden() -> None:
    logits = np.zeros((2, 4), dtype=np.float32)
    logits[1, 2] = np.nan
    assert np.isfinite(log_normalizers(logits)).tolist() == [True, False]
