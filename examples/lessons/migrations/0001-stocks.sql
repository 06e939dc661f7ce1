CREATE TABLE info (
  id INTEGER NOT NULL PRIMARY KEY,
  code CHAR(6) NOT NULL UNIQUE,
  short VARCHAR(20) NOT NULL,
  price VARCHAR(10) NOT NULL
);
CREATE TABLE focus (
  info_id INTEGER NOT NULL PRIMARY KEY,
  note_info VARCHAR(200) NOT NULL DEFAULT '',
  FOREIGN KEY (info_id) REFERENCES info (id)
);
INSERT INTO info VALUES (1, '000007', 'Quanxinhao', '16.05'), (2, '000036', 'Huarun', '11.29'), (3, '000039', 'Zhongji', '18.07');
