"""Parts of the command group ``models``: bundles, and the terms of models."""
