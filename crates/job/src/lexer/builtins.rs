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

/// Functions of every server's own that leave nothing behind: neither in the session (GET_LOCK, LAST_INSERT_ID(x)) nor outside
/// of the transaction (NEXTVAL), and that tell nothing of the statement before (FOUND_ROWS). Only with the parenthesis as
/// the very next byte: `count (x)` is a stored function of that name, unless IGNORE_SPACE is set, which takes nothing away
/// from the list.
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
    "lower", "lpad", "ltrim", "make_set", "makedate", "maketime", "max", "md5", "microsecond", "mid", "min",
    "minute", "month", "monthname", "now", "nth_value", "ntile", "nullif", "oct", "octet_length", "ord",
    "percent_rank", "period_add", "period_diff", "pi", "position", "pow", "power", "quarter", "quote",
    "radians", "rand", "random_bytes", "rank", "regexp_instr", "regexp_replace", "regexp_substr", "reverse",
    "round", "row", "row_number", "rpad", "rtrim", "sec_to_time", "second", "session_user", "sha", "sha1",
    "sha2", "sign", "sin", "sleep", "soundex", "space", "sqrt", "std", "stddev", "stddev_pop", "stddev_samp",
    "str_to_date", "strcmp", "subdate", "substr", "substring", "substring_index", "subtime", "sum", "sysdate",
    "system_user", "tan", "time", "time_format", "time_to_sec", "timediff", "timestamp", "timestampadd",
    "timestampdiff", "to_base64", "to_days", "to_seconds", "trim", "truncate", "ucase", "uncompress",
    "uncompressed_length", "unhex", "unix_timestamp", "updatexml", "upper", "user", "uuid", "uuid_short",
    "var_pop", "var_samp", "variance", "version", "week", "weekday", "weekofyear", "weight_string", "year",
    "yearweek",
];

/// The longest name of both lists.
const LONGEST: usize = 20;

/// Whether the word, of any case, is reserved.
pub(super) fn is_keyword(word: &str) -> bool {
    is_in(KEYWORDS, word)
}

/// Whether the word, of any case, names a function of every server's own.
pub(super) fn is_builtin(word: &str) -> bool {
    is_in(BUILTINS, word)
}

fn is_in(list: &[&str], word: &str) -> bool {
    let mut lower = [0; LONGEST];
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
        for list in [KEYWORDS, BUILTINS] {
            assert!(list.is_sorted());
            assert!(list.iter().all(|name| name.len() <= LONGEST));
        }
        assert!(
            is_keyword("In") && is_builtin("COALESCE") && !is_builtin("nextval") && !is_builtin("get_lock")
        );
    }
}
