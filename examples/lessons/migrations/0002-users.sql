CREATE TABLE users (
  id INTEGER NOT NULL PRIMARY KEY,
  name VARCHAR(40) NOT NULL,
  age INTEGER NOT NULL,
  sex VARCHAR(10) NOT NULL,
  city VARCHAR(40) NOT NULL
);
INSERT INTO users VALUES (1, 'Ann', 30, 'female', 'Paris'), (2, '李雷', 20, 'male', '北京'), (3, '韩梅梅', 21, 'female', '北京');
