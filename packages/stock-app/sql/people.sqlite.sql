-- The tables of users, students and accounts for SQLite.

CREATE TABLE IF NOT EXISTS user (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  age INTEGER,
  sex TEXT,
  city TEXT
) STRICT;

CREATE TABLE IF NOT EXISTS student (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  class TEXT NOT NULL,
  score INTEGER NOT NULL
) STRICT;

-- The accounts that may log in. The password is a hash of scrypt in the PHC string format.
CREATE TABLE IF NOT EXISTS account (
  name TEXT NOT NULL PRIMARY KEY,
  password TEXT NOT NULL
) STRICT;
