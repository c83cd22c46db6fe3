"""What every engine must do, as tests that authors of other engines run on theirs.

Needs pytest, unlike the rest of the package; install the extra ``test``.
"""

import pytest

# Before the import, so that failed assertions of the contract show what they compared.
pytest.register_assert_rewrite("localensemble.testing.engine_contract")

from localensemble.testing.engine_contract import EngineContract  # noqa: E402

__all__ = ["EngineContract"]
