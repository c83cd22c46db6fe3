"""Carry everything to a machine without a network, and check and install it there."""
