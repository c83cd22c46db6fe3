"""Decide items by consensus or escalation, with pure functions of a label matrix."""
