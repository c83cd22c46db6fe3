"""The escalation policies: which items a person must review, and why."""
