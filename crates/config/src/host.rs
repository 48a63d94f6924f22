//! The machine that this process runs on.

/// The name of this host, for names of connections and workers; `?` if the system does not tell it.
pub fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "?".into(), |name| name.trim().to_owned())
}

/// Who runs this process, as far as the environment says it.
pub fn login_name() -> String {
    let variables = ["USER", "LOGNAME"].into_iter();
    let named = variables.filter_map(|name| std::env::var(name).ok()).find(|name| !name.is_empty());
    named.unwrap_or_else(|| "unknown".to_owned())
}
