"""Find out from a few items which raters are fit, and what a run would cost and accept."""
