UPDATE t SET a = 'open;
