"""Open the page on which people review a study."""
