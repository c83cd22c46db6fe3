"""Take items out of a study, for example when a patient withdraws consent."""
