"""Export a study to other programs."""
