"""What people decide: worksheets, their decisions as part of a study, and the finished table."""
