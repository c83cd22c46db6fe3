"""Label text with several local models, measure their agreement, escalate the rest."""

__version__ = "0.1.0"
