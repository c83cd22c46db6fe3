"""From labels to a decision: consensus or escalation; pure functions of a label matrix."""
