"""Make certificates of the share of wrong labels, and calibrations of raters."""
