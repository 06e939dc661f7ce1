-- The version of the followed stocks. The same for every database.

INSERT INTO focus_version (id, version) VALUES (1, 1);
