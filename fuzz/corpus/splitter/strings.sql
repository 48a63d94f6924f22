UPDATE t SET a = 'it''s; \' x' WHERE id = 1;
UPDATE t SET a = "; -- ", `;` = 2;
