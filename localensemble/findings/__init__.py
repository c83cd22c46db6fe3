"""Ledger -> everything a table, report or page may show, as plain values."""
