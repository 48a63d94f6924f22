# ; '
-- ; "
/* ; ' */ UPDATE t SET a = 1 /* b */;
-- at the end
