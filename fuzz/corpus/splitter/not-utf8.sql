UPDATE t SET a = 'ÿþ';
