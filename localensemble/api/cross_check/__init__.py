"""The cross-check of agreement with irrCAC and krippendorff, in a process of their own."""
