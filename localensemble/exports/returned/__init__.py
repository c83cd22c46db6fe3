"""Read exports that people worked on in another program, as tables of decisions."""
