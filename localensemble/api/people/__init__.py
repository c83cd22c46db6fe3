"""What people decide: worksheets for them, and their decisions as part of a study."""
