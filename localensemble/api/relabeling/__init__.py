"""Let other raters label again what differs between a study and existing labels."""
