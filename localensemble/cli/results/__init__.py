"""What commands print of their results: tables and sentences."""
