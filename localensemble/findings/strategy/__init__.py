"""What a strategy asked and left out."""
