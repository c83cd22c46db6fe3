"""Which item which reviewer reads next: pure functions of arrays, without files or a clock."""
