"""Before a run: its memory and time, which raters are fit, and raters trained on gold labels."""
