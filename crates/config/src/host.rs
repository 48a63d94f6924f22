//! The machine that this process runs on.

/// The name of this host, for names of connections and workers; `?` if the system does not tell it.
pub fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "?".into(), |name| name.trim().to_owned())
}
