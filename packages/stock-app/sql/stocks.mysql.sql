-- The tables of the stocks for MySQL and MariaDB.

-- The stocks: code, short name, change, turnover rate, price, previous high, and the day of that high.
CREATE TABLE IF NOT EXISTS info (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  code CHAR(6) NOT NULL UNIQUE,
  short VARCHAR(10) NOT NULL,
  chg VARCHAR(10) NOT NULL,
  turnover VARCHAR(10) NOT NULL,
  price DECIMAL(10, 2) NOT NULL,
  highs DECIMAL(10, 2) NOT NULL,
  time DATE NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- The followed stocks, each at most once, with a note.
CREATE TABLE IF NOT EXISTS focus (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  note_info VARCHAR(200) NOT NULL DEFAULT '',
  info_id INT UNSIGNED NOT NULL UNIQUE,
  FOREIGN KEY (info_id) REFERENCES info (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
