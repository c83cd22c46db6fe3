"""What every engine must do, as tests that the authors of other engines run on theirs.

Needs pytest, which nothing else in the package does; install the extra ``test``.
"""

import pytest

# Before the import: failed assertions of the contract then show what they compared.
pytest.register_assert_rewrite("localensemble.testing.engine_contract")

from localensemble.testing.engine_contract import EngineContract  # noqa: E402

__all__ = ["EngineContract"]
