"""Files in which a person decides without a server: an XLSX, a CSV or an HTML worksheet."""
