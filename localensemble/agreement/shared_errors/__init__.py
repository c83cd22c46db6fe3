"""How far raters err, and agree, together."""
