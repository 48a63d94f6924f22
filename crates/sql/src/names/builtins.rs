//! Names that call what is built into every server, and nothing else.
//!
//! `tests/e2e/builtins.rs` makes a stored function of each name and shows that the server at hand still calls its own.

/// Words that every server reserves: before a parenthesis they are part of the grammar, or a function of the
/// server's, with white space between or not. Quoted, or after a dot, they are names like any other.
#[rustfmt::skip]
pub const KEYWORDS: &[&str] = &[
    "all", "and", "as", "between", "bigint", "binary", "both", "by", "case", "char", "check", "collate",
    "convert", "cross", "current_date", "current_time", "current_timestamp", "current_user", "database",
    "decimal", "default", "distinct", "distinctrow", "div", "double", "else", "except", "exists", "float",
    "for", "force", "from", "group", "having", "high_priority", "if", "ignore", "in", "index", "inner",
    "insert", "int", "integer", "intersect", "interval", "into", "is", "join", "key", "keys", "leading", "left",
    "like", "limit", "localtime", "localtimestamp", "low_priority", "match", "mediumint", "mod", "natural",
    "not", "null", "numeric", "on", "or", "order", "outer", "over", "partition", "regexp", "repeat", "replace",
    "return", "right", "rlike", "schema", "select", "set", "smallint", "sql_big_result", "sql_calc_found_rows",
    "sql_small_result", "straight_join", "table", "then", "tinyint", "to", "trailing", "union", "unique",
    "update", "use", "using", "utc_date", "utc_time", "utc_timestamp", "values", "varbinary", "varchar", "when",
    "where", "while", "with", "xor",
];

/// Functions of every server's own that leave nothing behind: neither in the session (GET_LOCK, LAST_INSERT_ID(x)) nor
/// outside of the transaction (NEXTVAL), and that tell nothing of the statement before (FOUND_ROWS). Only with the
/// parenthesis as the very next byte: `count (x)` is a stored function of that name, unless IGNORE_SPACE is set, which
/// takes nothing away from the list. MD5 and SHA are not the server's own on MySQL 9.7.
#[rustfmt::skip]
pub const BUILTINS: &[&str] = &[
    "abs", "acos", "adddate", "addtime", "aes_decrypt", "aes_encrypt", "ascii", "asin", "atan", "atan2", "avg",
    "bin", "bit_and", "bit_count", "bit_length", "bit_or", "bit_xor", "cast", "ceil", "ceiling", "char_length",
    "character_length", "charset", "coalesce", "coercibility", "collation", "compress", "concat", "concat_ws",
    "connection_id", "conv", "convert_tz", "cos", "cot", "count", "crc32", "cume_dist", "curdate",
    "current_role", "curtime", "date", "date_add", "date_format", "date_sub", "datediff", "day", "dayname",
    "dayofmonth", "dayofweek", "dayofyear", "degrees", "dense_rank", "elt", "exp", "export_set", "extract",
    "extractvalue", "field", "find_in_set", "first_value", "floor", "format", "from_base64", "from_days",
    "from_unixtime", "get_format", "greatest", "group_concat", "hex", "hour", "ifnull", "inet6_aton",
    "inet6_ntoa", "inet_aton", "inet_ntoa", "instr", "is_ipv4", "is_ipv6", "isnull", "json_array",
    "json_array_append", "json_array_insert", "json_arrayagg", "json_contains", "json_contains_path",
    "json_depth", "json_extract", "json_insert", "json_keys", "json_length", "json_merge_patch",
    "json_merge_preserve", "json_object", "json_objectagg", "json_overlaps", "json_quote", "json_remove",
    "json_replace", "json_search", "json_set", "json_type", "json_unquote", "json_valid", "json_value", "lag",
    "last_day", "last_value", "lcase", "lead", "least", "length", "ln", "locate", "log", "log10", "log2",
    "lower", "lpad", "ltrim", "make_set", "makedate", "maketime", "max", "microsecond", "mid", "min",
    "minute", "month", "monthname", "now", "nth_value", "ntile", "nullif", "oct", "octet_length", "ord",
    "percent_rank", "period_add", "period_diff", "pi", "position", "pow", "power", "quarter", "quote",
    "radians", "rand", "random_bytes", "rank", "regexp_instr", "regexp_replace", "regexp_substr", "reverse",
    "round", "row", "row_number", "rpad", "rtrim", "sec_to_time", "second", "session_user",
    "sha2", "sign", "sin", "sleep", "soundex", "space", "sqrt", "std", "stddev", "stddev_pop", "stddev_samp",
    "str_to_date", "strcmp", "subdate", "substr", "substring", "substring_index", "subtime", "sum", "sysdate",
    "system_user", "tan", "time", "time_format", "time_to_sec", "timediff", "timestamp", "timestampadd",
    "timestampdiff", "to_base64", "to_days", "to_seconds", "trim", "truncate", "ucase", "uncompress",
    "uncompressed_length", "unhex", "unix_timestamp", "updatexml", "upper", "user", "uuid", "uuid_short",
    "var_pop", "var_samp", "variance", "version", "week", "weekday", "weekofyear", "weight_string", "year",
    "yearweek",
];

/// Other functions of some server's own, and words before a parenthesis that are no function: types, for the most part.
/// They may leave something in the session, and where a server does not know the name it may be that of a stored
/// function; but none of them writes what outlives a transaction that is rolled back. Sequences (NEXTVAL, SETVAL) do.
#[rustfmt::skip]
const OTHERS: &[&str] = &[
    "add_months", "against", "any", "any_value", "area", "asbinary", "astext", "aswkb", "aswkt", "benchmark",
    "bin_to_uuid", "binlog_gtid_pos", "bit", "blob", "bool", "boolean", "boundary", "buffer", "call",
    "centroid", "chr", "clob", "column_add", "column_check", "column_create", "column_delete", "column_exists",
    "column_get", "column_json", "column_list", "columns", "concat_operator_oracle", "contains", "convexhull",
    "crc32c", "crosses", "datetime", "dec", "declare", "decode", "decode_histogram", "decode_oracle",
    "des_decrypt", "des_encrypt", "dimension", "disjoint", "distance", "elseif", "encode", "encrypt",
    "endpoint", "enum", "envelope", "equals", "escape", "exteriorring", "fixed", "format_bytes",
    "format_pico_time", "found_rows", "from_vector", "geomcollfromtext", "geomcollfromwkb", "geometry",
    "geometrycollection", "geometrycollectionfromtext", "geometrycollectionfromwkb", "geometryfromtext",
    "geometryfromwkb", "geometryn", "geometrytype", "geomfromtext", "geomfromwkb", "get_lock", "glength",
    "grouping", "gtid_subset", "gtid_subtract", "icu_version", "inet4", "inet6", "int1", "int2", "int3", "int4",
    "int8", "interiorringn", "intersects", "is_free_lock", "is_ipv4_compat", "is_ipv4_mapped", "is_used_lock",
    "is_uuid", "isclosed", "isempty", "isring", "issimple", "json", "json_array_intersect", "json_compact",
    "json_detailed", "json_equals", "json_exists", "json_key_value", "json_loose", "json_merge",
    "json_normalize", "json_object_filter_keys", "json_object_to_array", "json_pretty", "json_query",
    "json_schema_valid", "json_schema_validation_report", "json_storage_free", "json_storage_size",
    "json_table", "last_insert_id", "lengthb", "linefromtext", "linefromwkb", "linestring",
    "linestringfromtext", "linestringfromwkb", "load_file", "longblob", "longtext", "lpad_oracle",
    "ltrim_oracle", "master_gtid_wait", "master_pos_wait", "mbrcontains", "mbrcoveredby", "mbrcovers",
    "mbrdisjoint", "mbrequals", "mbrintersects", "mbroverlaps", "mbrtouches", "mbrwithin", "md5", "median",
    "mediumblob", "mediumtext", "member", "middleint", "mlinefromtext", "mlinefromwkb", "mpointfromtext",
    "mpointfromwkb", "mpolyfromtext", "mpolyfromwkb", "multilinestring", "multilinestringfromtext",
    "multilinestringfromwkb", "multipoint", "multipointfromtext", "multipointfromwkb", "multipolygon",
    "multipolygonfromtext", "multipolygonfromwkb", "name_const", "natural_sort_key", "nchar", "number",
    "numgeometries", "numinteriorrings", "numpoints", "nvarchar", "nvl", "nvl2", "of", "offset", "old_password",
    "overlaps", "password", "percentile_cont", "percentile_disc", "point", "pointfromtext", "pointfromwkb",
    "pointn", "pointonsurface", "polyfromtext", "polyfromwkb", "polygon", "polygonfromtext", "polygonfromwkb",
    "ps_current_thread_id", "ps_thread_id", "raw", "regexp_like", "release_all_locks", "release_lock",
    "replace_oracle", "returns", "roles_graphml", "row_count", "rownum", "rpad_oracle", "rtrim_oracle",
    "serial", "sformat", "sha", "sha1", "some", "source_pos_wait", "srid", "st_area", "st_asbinary",
    "st_asgeojson", "st_astext", "st_aswkb", "st_aswkt", "st_boundary", "st_buffer", "st_buffer_strategy",
    "st_centroid", "st_collect", "st_contains", "st_convexhull", "st_crosses", "st_difference", "st_dimension",
    "st_disjoint", "st_distance", "st_distance_sphere", "st_endpoint", "st_envelope", "st_equals",
    "st_exteriorring", "st_frechetdistance", "st_geohash", "st_geomcollfromtext", "st_geomcollfromtxt",
    "st_geomcollfromwkb", "st_geometrycollectionfromtext", "st_geometrycollectionfromwkb",
    "st_geometryfromtext", "st_geometryfromwkb", "st_geometryn", "st_geometrytype", "st_geomfromgeojson",
    "st_geomfromtext", "st_geomfromwkb", "st_hausdorffdistance", "st_interiorringn", "st_intersection",
    "st_intersects", "st_isclosed", "st_isempty", "st_isring", "st_issimple", "st_isvalid", "st_latfromgeohash",
    "st_latitude", "st_length", "st_linefromtext", "st_linefromwkb", "st_lineinterpolatepoint",
    "st_lineinterpolatepoints", "st_linestringfromtext", "st_linestringfromwkb", "st_longfromgeohash",
    "st_longitude", "st_makeenvelope", "st_mlinefromtext", "st_mlinefromwkb", "st_mpointfromtext",
    "st_mpointfromwkb", "st_mpolyfromtext", "st_mpolyfromwkb", "st_multilinestringfromtext",
    "st_multilinestringfromwkb", "st_multipointfromtext", "st_multipointfromwkb", "st_multipolygonfromtext",
    "st_multipolygonfromwkb", "st_numgeometries", "st_numinteriorring", "st_numinteriorrings", "st_numpoints",
    "st_overlaps", "st_pointatdistance", "st_pointfromgeohash", "st_pointfromtext", "st_pointfromwkb",
    "st_pointn", "st_pointonsurface", "st_polyfromtext", "st_polyfromwkb", "st_polygonfromtext",
    "st_polygonfromwkb", "st_relate", "st_simplify", "st_srid", "st_startpoint", "st_swapxy",
    "st_symdifference", "st_touches", "st_transform", "st_union", "st_validate", "st_within", "st_x", "st_y",
    "startpoint", "statement_digest", "statement_digest_text", "string_to_vector", "substr_oracle", "sys_guid",
    "text", "tinyblob", "tinytext", "to_char", "to_date", "to_number", "to_vector", "touches", "trim_oracle",
    "trunc", "until", "uuid_to_bin", "uuid_v4", "uuid_v7", "value", "varchar2", "varying", "vec_distance",
    "vec_distance_cosine", "vec_distance_euclidean", "vec_fromtext", "vec_totext", "vector", "vector_dim",
    "vector_to_string", "wait_for_executed_gtid_set", "window", "within", "wsrep_last_seen_gtid",
    "wsrep_last_written_gtid", "wsrep_sync_wait_upto_gtid", "x", "xmltype", "y",
];

/// The length in bytes of the longest name in the lists.
const LONGEST_NAME: usize = 29;

/// Whether the word, of any case, is reserved.
pub(crate) fn is_keyword(word: &str) -> bool {
    is_in(KEYWORDS, word)
}

/// Whether the word, of any case, is one of a server's own before a parenthesis, unless a function of that name is
/// stored. Of what is called so without a database nothing remains that the transaction does not hold.
pub fn is_native(word: &str) -> bool {
    is_builtin(word) || is_in(OTHERS, word) || is_keyword(word)
}

/// Whether the word, of any case, names a function of every server's own.
pub(crate) fn is_builtin(word: &str) -> bool {
    is_in(BUILTINS, word)
}

fn is_in(list: &[&str], word: &str) -> bool {
    let mut lower = [0; LONGEST_NAME];
    let Some(lower) = lower.get_mut(..word.len()) else { return false };
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    list.binary_search_by(|name| name.as_bytes().cmp(lower)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_no_name_is_longer_than_the_buffer() {
        for list in [KEYWORDS, BUILTINS, OTHERS] {
            assert!(list.is_sorted());
            assert!(list.iter().all(|name| name.len() <= LONGEST_NAME));
        }
        assert!(
            is_keyword("In") && is_builtin("COALESCE") && !is_builtin("nextval") && !is_builtin("get_lock")
        );
    }
}
