"""Tables of spans, and of the terms of a vocabulary."""
