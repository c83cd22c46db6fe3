"""Write findings as a report for people and as JSON for programs."""
