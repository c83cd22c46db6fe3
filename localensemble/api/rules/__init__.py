"""Choose the rules to decide a study by."""
