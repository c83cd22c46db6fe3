"""Find the kinds of identifiers that HIPAA's Safe Harbor names in the columns of a table."""
