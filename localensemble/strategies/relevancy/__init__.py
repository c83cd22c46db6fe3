"""The relevancy-scored ensemble for topics that are asked about with yes or no."""
