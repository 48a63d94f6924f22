USE shop
UPDATE t SET a = 1;
use `other`;
UPDATE t SET a = 2\g
UPDATE t SET a = 3\G
