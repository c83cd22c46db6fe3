"""The air gap: what is carried to a machine without a network, checked and installed there."""
