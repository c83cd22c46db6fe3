"""The files in the folder of a study, and who may replace them."""
