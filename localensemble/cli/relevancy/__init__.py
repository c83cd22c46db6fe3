"""The command `relevancy`."""
