-- The smallest rights that queryfleet can do with, one account for each part it plays. `queryfleet doctor` names, as a
-- GRANT, each that is missing, for one part with --for publish, --for work or --for operate. No part needs a global
-- right: a worker that ends a statement ends a connection of its own account.
--
-- The accounts have to be there: CREATE USER 'queryfleet_work'@'%' IDENTIFIED BY '…';
-- Replace the database `shop`, and the hosts %, by yours, and run this as an administrator:
--
--   sed 's/ shop\./ mydatabase./' deploy/grants.sql | mariadb
--
-- The order matters: a right on a table that is not there can only be given together with CREATE, so the other parts
-- come after `queryfleet setup`. Run the whole file again then; granting twice does no harm.

-- setup: makes the tables; queryfleet_meta gets its first rows, and a new version. Not needed any more afterwards.
GRANT SELECT, INSERT, UPDATE, CREATE ON shop.queryfleet_meta TO 'queryfleet_setup'@'%';
GRANT CREATE ON shop.queryfleet_run TO 'queryfleet_setup'@'%';
GRANT CREATE ON shop.queryfleet_ledger TO 'queryfleet_setup'@'%';
GRANT CREATE ON shop.queryfleet_dead TO 'queryfleet_setup'@'%';
GRANT CREATE ON shop.queryfleet_worker TO 'queryfleet_setup'@'%';
GRANT CREATE ON shop.queryfleet_range TO 'queryfleet_setup'@'%';
GRANT CREATE ON shop.queryfleet_hold TO 'queryfleet_setup'@'%';
GRANT CREATE ON shop.queryfleet_place TO 'queryfleet_setup'@'%';
GRANT CREATE ON shop.queryfleet_limit TO 'queryfleet_setup'@'%';
GRANT CREATE ON shop.queryfleet_permit TO 'queryfleet_setup'@'%';
GRANT CREATE ON shop.queryfleet_rate TO 'queryfleet_setup'@'%';
GRANT CREATE ON shop.queryfleet_governor TO 'queryfleet_setup'@'%';
GRANT CREATE ON shop.queryfleet_event TO 'queryfleet_setup'@'%';
-- And for as long as tables of an older version are brought up to date
-- GRANT ALTER ON shop.queryfleet_run TO 'queryfleet_setup'@'%';
-- GRANT ALTER ON shop.queryfleet_dead TO 'queryfleet_setup'@'%';
-- GRANT ALTER ON shop.queryfleet_range TO 'queryfleet_setup'@'%';
-- GRANT ALTER ON shop.queryfleet_worker TO 'queryfleet_setup'@'%';

-- publish, wait, status: a run's own row; all else is only read.
GRANT SELECT ON shop.queryfleet_meta TO 'queryfleet_publish'@'%';
GRANT SELECT, INSERT, UPDATE ON shop.queryfleet_run TO 'queryfleet_publish'@'%';
GRANT SELECT ON shop.queryfleet_ledger TO 'queryfleet_publish'@'%';
GRANT SELECT ON shop.queryfleet_dead TO 'queryfleet_publish'@'%';
GRANT SELECT ON shop.queryfleet_worker TO 'queryfleet_publish'@'%';
GRANT SELECT, INSERT ON shop.queryfleet_range TO 'queryfleet_publish'@'%';
GRANT SELECT ON shop.queryfleet_hold TO 'queryfleet_publish'@'%';
GRANT INSERT ON shop.queryfleet_place TO 'queryfleet_publish'@'%';
GRANT SELECT ON shop.queryfleet_limit TO 'queryfleet_publish'@'%';
GRANT SELECT ON shop.queryfleet_permit TO 'queryfleet_publish'@'%';
GRANT SELECT ON shop.queryfleet_governor TO 'queryfleet_publish'@'%';
GRANT INSERT ON shop.queryfleet_event TO 'queryfleet_publish'@'%';
-- And to see what a statement changes beyond its own table: one that reaches a trigger, a view or a routine which the
-- account cannot see into is refused without --not-atomic. TRIGGER also lets an account make triggers, which run with
-- its own rights; on MariaDB only tables that have triggers need it, on MySQL all that are written. A view wants SELECT on
-- it as well, a routine SHOW CREATE ROUTINE (MariaDB 11.3), SELECT on mysql.proc (before) or SHOW_ROUTINE (MySQL).
GRANT SHOW VIEW, TRIGGER ON shop.* TO 'queryfleet_publish'@'%';
-- And for --chunk auto to group statements what they themselves need, since EXPLAIN wants it, such as
-- GRANT SELECT, UPDATE ON shop.customers TO 'queryfleet_publish'@'%';
-- And for --replaces the dead jobs of the other run
-- GRANT UPDATE ON shop.queryfleet_dead TO 'queryfleet_publish'@'%';
-- And for --range the table whose key is walked, such as
-- GRANT SELECT ON shop.orders TO 'queryfleet_publish'@'%';

-- work: ledger rows, dead jobs, its own heartbeat. DELETE on the ledger is for statements that are not atomic.
GRANT SELECT ON shop.queryfleet_meta TO 'queryfleet_work'@'%';
GRANT SELECT ON shop.queryfleet_run TO 'queryfleet_work'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON shop.queryfleet_ledger TO 'queryfleet_work'@'%';
GRANT SELECT, INSERT, UPDATE ON shop.queryfleet_dead TO 'queryfleet_work'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON shop.queryfleet_worker TO 'queryfleet_work'@'%';
GRANT SELECT, INSERT, DELETE ON shop.queryfleet_hold TO 'queryfleet_work'@'%';
GRANT SELECT ON shop.queryfleet_limit TO 'queryfleet_work'@'%';
GRANT SELECT, INSERT, UPDATE ON shop.queryfleet_permit TO 'queryfleet_work'@'%';
GRANT SELECT, UPDATE ON shop.queryfleet_rate TO 'queryfleet_work'@'%';
GRANT SELECT, UPDATE ON shop.queryfleet_governor TO 'queryfleet_work'@'%';
GRANT INSERT ON shop.queryfleet_event TO 'queryfleet_work'@'%';
-- And for limit --max-lag the accounts of QUERYFLEET_REPLICAS, on the replicas
-- GRANT SELECT ON shop.queryfleet_governor TO 'queryfleet_lag'@'%';
-- And what the statements themselves need, such as
-- GRANT SELECT, UPDATE ON shop.customers TO 'queryfleet_work'@'%';

-- cancel, pause, resume, limit, dead, purge, doctor: for people.
GRANT SELECT ON shop.queryfleet_meta TO 'queryfleet_operate'@'%';
GRANT SELECT, UPDATE ON shop.queryfleet_run TO 'queryfleet_operate'@'%';
GRANT SELECT, INSERT, DELETE ON shop.queryfleet_ledger TO 'queryfleet_operate'@'%';
GRANT SELECT, UPDATE, DELETE ON shop.queryfleet_dead TO 'queryfleet_operate'@'%';
GRANT SELECT ON shop.queryfleet_worker TO 'queryfleet_operate'@'%';
GRANT SELECT, DELETE ON shop.queryfleet_range TO 'queryfleet_operate'@'%';
GRANT SELECT, INSERT, DELETE ON shop.queryfleet_hold TO 'queryfleet_operate'@'%';
GRANT SELECT, DELETE ON shop.queryfleet_place TO 'queryfleet_operate'@'%';
GRANT SELECT, INSERT, UPDATE ON shop.queryfleet_limit TO 'queryfleet_operate'@'%';
GRANT SELECT, INSERT ON shop.queryfleet_permit TO 'queryfleet_operate'@'%';
GRANT SELECT, INSERT, UPDATE ON shop.queryfleet_rate TO 'queryfleet_operate'@'%';
GRANT SELECT, INSERT, UPDATE ON shop.queryfleet_governor TO 'queryfleet_operate'@'%';
GRANT SELECT, INSERT, DELETE ON shop.queryfleet_event TO 'queryfleet_operate'@'%';
