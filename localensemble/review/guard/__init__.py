"""Let in only the people whom the terminal invited, through their own browser."""
