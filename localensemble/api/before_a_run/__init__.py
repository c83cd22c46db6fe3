"""What can be known before a run: its memory and time, and which raters are fit."""
