-- Sample users and students, and the account "demo" with the password "tsgi-demo". The same for every database.

INSERT INTO user (id, name, age, sex, city) VALUES
  (1, '张三', 28, 'male', '北京'),
  (2, '李四', 35, 'female', '上海'),
  (3, '王五', 22, 'male', '广州'),
  (4, '赵六', 41, 'female', '北京'),
  (5, 'Ann', NULL, NULL, NULL);

INSERT INTO student (id, name, class, score) VALUES
  (1, '小明', '一班', 90),
  (2, '小红', '一班', 95),
  (3, '小刚', '二班', 78),
  (4, '小丽', '二班', 88),
  (5, '小华', '三班', 82);

INSERT INTO account (name, password) VALUES
  ('demo', '$scrypt$ln=16,r=8,p=2$fUxuyc87riOLl9ZAaGStPQ$/l0pThGFP3CtRxyxj5TrT1eLz78eV6B+3qnv09PD0FI');
