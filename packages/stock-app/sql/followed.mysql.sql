-- One row with a number that every change of the followed stocks counts up, for MySQL and MariaDB.

CREATE TABLE IF NOT EXISTS focus_version (
  id INT UNSIGNED NOT NULL PRIMARY KEY,
  version BIGINT UNSIGNED NOT NULL
) ENGINE = InnoDB;
