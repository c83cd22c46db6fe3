"""Which rater is asked about which item, and how their answers are combined; pure functions."""
