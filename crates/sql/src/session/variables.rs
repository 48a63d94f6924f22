//! Variables that a session may set without harm.

/// They decide what a statement computes, how it is planned, how much memory it takes, what is logged about it; none of
/// them changes what a transaction commits, or outlives the session.
const HARMLESS: &[&str] = &[
    "alter_algorithm",
    "auto_increment_increment",
    "auto_increment_offset",
    "big_tables",
    "binlog_annotate_row_events",
    "binlog_format",
    "binlog_row_image",
    "binlog_row_value_options",
    "binlog_rows_query_log_events",
    "binlog_transaction_compression",
    "binlog_transaction_compression_level_zstd",
    "block_encryption_mode",
    "check_constraint_checks",
    "cte_max_recursion_depth",
    "default_collation_for_utf8mb4",
    "default_regex_flags",
    "default_storage_engine",
    "default_table_encryption",
    "default_tmp_storage_engine",
    "default_week_format",
    "div_precision_increment",
    "end_markers_in_json",
    "enforce_storage_engine",
    "eq_range_index_dive_limit",
    "expensive_subquery_limit",
    "explain_format",
    "explicit_defaults_for_timestamp",
    "foreign_key_checks",
    "group_concat_max_len",
    "group_replication_consistency",
    "in_predicate_conversion_threshold",
    "information_schema_stats_expiry",
    "keep_files_on_create",
    "lc_messages",
    "lc_time_names",
    "long_query_time",
    "low_priority_updates",
    "max_execution_time",
    "max_heap_table_size",
    "max_join_size",
    "max_length_for_sort_data",
    "max_points_in_geometry",
    "max_recursive_iterations",
    "max_rowid_filter_size",
    "max_seeks_for_key",
    "max_sort_length",
    "max_sp_recursion_depth",
    "max_statement_time",
    "min_examined_row_limit",
    "note_verbosity",
    "old",
    "old_alter_table",
    "old_mode",
    "preload_buffer_size",
    "profiling",
    "profiling_history_size",
    "query_cache_type",
    "range_alloc_block_size",
    "range_optimizer_max_mem_size",
    "restrict_fk_on_non_standard_key",
    "schema_definition_cache",
    "secondary_engine_cost_threshold",
    "set_operations_buffer_size",
    "show_create_table_skip_secondary_engine",
    "show_create_table_verbosity",
    "show_old_temporals",
    "slow_query_log",
    "sql_big_selects",
    "sql_buffer_result",
    "sql_generate_invisible_primary_key",
    "sql_if_exists",
    "sql_log_off",
    "sql_mode",
    "sql_notes",
    "sql_quote_show_create",
    "sql_require_primary_key",
    "sql_safe_updates",
    "sql_warnings",
    "standard_compliant_cte",
    "storage_engine",
    "system_versioning_alter_history",
    "system_versioning_insert_history",
    "time_zone",
    "tmp_disk_table_size",
    "tmp_memory_table_size",
    "tmp_table_size",
    "transaction_isolation",
    "unique_checks",
    "updatable_views_with_limit",
    "use_secondary_engine",
    "use_stat_tables",
    "windowing_use_high_precision",
    "wsrep_causal_reads",
    "wsrep_osu_method",
    "wsrep_retry_autocommit",
    "wsrep_sync_wait",
];
/// The same for all that begin with these.
const HARMLESS_BEGINNING: &[&str] = &[
    "aria_",
    "column_compression_",
    "deadlock_",
    "histogram_",
    "innodb_compression_",
    "innodb_ddl_",
    "innodb_default_",
    "innodb_ft_",
    "innodb_parallel_",
    "innodb_snapshot_",
    "innodb_strict_",
    "innodb_table_locks",
    "innodb_tmpdir",
    "join_",
    "log_slow_",
    "mrr_",
    "myisam_",
    "optimizer_",
    "rowid_",
    "wsrep_trx_fragment_",
];
/// The same for all that end with these.
const HARMLESS_ENDING: &[&str] = &["_alloc_block_size", "_buffer_size", "_prealloc_size"];
/// They do change what a statement means to others. Whoever lets a session set them has to read them back.
const READ_BACK: &[&str] = &[
    "character_set_client",
    "character_set_connection",
    "character_set_results",
    "collation_connection",
    "autocommit",
];

/// Whether a session may set this variable, given in lower case. An allow-list: of a variable that is not on it nobody
/// has made sure that transactions mean the same under it, and that it holds for a session and not for one statement.
pub fn is_harmless_variable(name: &str) -> bool {
    HARMLESS.contains(&name)
        || READ_BACK.contains(&name)
        || HARMLESS_BEGINNING.iter().any(|start| name.starts_with(start))
        || HARMLESS_ENDING.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_the_promise_or_our_own_statements_is_not_on_the_list() {
        for name in [
            "insert_id",
            "last_insert_id",
            "identity",
            "timestamp",
            "rand_seed1",
            "sql_log_bin",
            "gtid_next",
            "gtid_domain_id",
            "pseudo_thread_id",
            "pseudo_slave_mode",
            "wait_timeout",
            "innodb_lock_wait_timeout",
            "lock_wait_timeout",
            "transaction_read_only",
            "tx_read_only",
            "sql_auto_is_null",
            "sql_select_limit",
            "max_error_count",
            "session_track_gtids",
            "resultset_metadata",
            "wsrep_on",
            "skip_replication",
            "completion_type",
            "idle_transaction_timeout",
            "max_session_mem_used",
            "system_versioning_asof",
            "what_comes_next_year",
        ] {
            assert!(!is_harmless_variable(name), "{name}");
        }
    }
}
