"""Let in only the people whom the terminal invited, through their own browser."""

from localensemble.review.guard.loopback_server import serve
from localensemble.review.guard.middleware import guarded

__all__ = ["guarded", "serve"]
