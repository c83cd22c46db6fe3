"""What raters are asked: shown, and compared under several templates."""
