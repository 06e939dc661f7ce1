CREATE TABLE note (id INTEGER PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL);
INSERT INTO note (title, text)
  WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 50)
  SELECT 'Note ' || n, 'The <b>text</b> of note ' || n FROM number;
