"""What the relevancy-scored ensemble finds on each topic of a study."""
