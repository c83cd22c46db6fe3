"""The escalation policies: which items a person must see, and why."""
