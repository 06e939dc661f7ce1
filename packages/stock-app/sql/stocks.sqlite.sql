-- The tables of the stocks for SQLite. Decimals and dates are TEXT: SQLite has no types for them.

-- The stocks: code, short name, change, turnover rate, price, previous high, and the day of that high.
CREATE TABLE IF NOT EXISTS info (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code TEXT NOT NULL UNIQUE,
  short TEXT NOT NULL,
  chg TEXT NOT NULL,
  turnover TEXT NOT NULL,
  price TEXT NOT NULL,
  highs TEXT NOT NULL,
  time TEXT NOT NULL
) STRICT;

-- The followed stocks, each at most once, with a note.
CREATE TABLE IF NOT EXISTS focus (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  note_info TEXT NOT NULL DEFAULT '' CHECK (length(note_info) <= 200),
  info_id INTEGER NOT NULL UNIQUE REFERENCES info (id)
) STRICT;
