-- What the example changes: 1,000 customers.
CREATE TABLE customers (id INT PRIMARY KEY, visits INT NOT NULL) ENGINE=InnoDB;
INSERT INTO customers
WITH RECURSIVE numbers (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM numbers WHERE id < 1000)
SELECT id, 0 FROM numbers;
