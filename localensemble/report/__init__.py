"""Findings and decisions -> files: tables for people, JSON for programs."""
