-- One row with a number that every change of the followed stocks counts up, for SQLite.

CREATE TABLE IF NOT EXISTS focus_version (
  id INTEGER PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT;
