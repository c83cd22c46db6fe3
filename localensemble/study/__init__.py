"""A study: one folder, one record; opened, decided and read here."""
