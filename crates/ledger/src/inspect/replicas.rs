//! The replicas of the jobs' server, as far as it says who they are and this account may see it.

use mysql_async::Row;
use mysql_async::prelude::{FromRow, Queryable};

use crate::Error;
use crate::connection::LedgerClient;

/// The port of a server that says none.
const DEFAULT_PORT: u16 = 3306;

/// A row of SHOW REPLICAS, which MariaDB has under its older name.
#[derive(FromRow)]
struct Registered {
    /// Empty unless the replica has `report_host`.
    #[mysql(rename = "Host")]
    host: String,
    #[mysql(rename = "Port")]
    port: u16,
}

/// A row of SHOW PROCESSLIST.
#[derive(FromRow)]
struct Process {
    #[mysql(rename = "Host")]
    client: Option<String>,
    #[mysql(rename = "Command")]
    command: Option<String>,
}

/// Host and port of each server that may be a replica: those that are registered, and whoever reads the binary log. A right
/// that is missing takes its part away.
pub(crate) async fn replicas(client: &mut LedgerClient) -> Result<Vec<(String, u16)>, Error> {
    let mut registered = Vec::new();
    for query in ["SHOW REPLICAS", "SHOW SLAVE HOSTS"] {
        let rows: Result<Vec<Row>, Error> =
            client.ask("read the registered replicas", async |conn| conn.query(query).await).await;
        if let Ok(rows) = rows {
            registered = rows.into_iter().filter_map(|row| Registered::from_row_opt(row).ok()).collect();
            break;
        }
    }
    let rows: Vec<Row> =
        client.ask("read the process list", async |conn| conn.query("SHOW PROCESSLIST").await).await?;
    let readers = rows.into_iter().filter_map(|row| {
        let Process { client, command } = Process::from_row_opt(row).ok()?;
        let client = client.filter(|_| command.is_some_and(|command| command.starts_with("Binlog Dump")))?;
        Some(client.rsplit_once(':').map_or(client.as_str(), |(host, _)| host).to_owned())
    });
    Ok(candidates(registered, readers.collect()))
}

/// A replica without a name of its own is at the address of somebody who reads the binary log, at its own port.
fn candidates(registered: Vec<Registered>, readers: Vec<String>) -> Vec<(String, u16)> {
    let mut found = Vec::new();
    for Registered { host, port } in &registered {
        match host.is_empty() {
            true => found.extend(readers.iter().map(|reader| (reader.clone(), *port))),
            false => found.push((host.clone(), *port)),
        }
    }
    if registered.is_empty() {
        found.extend(readers.into_iter().map(|reader| (reader, DEFAULT_PORT)));
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_says_no_name_is_at_its_address() {
        let registered = |rows: &[(&str, u16)]| -> Vec<Registered> {
            rows.iter().map(|(host, port)| Registered { host: (*host).to_owned(), port: *port }).collect()
        };
        let readers = || vec!["10.0.0.7".to_owned(), "10.0.0.7".to_owned()];
        let at = |host: &str, port| (host.to_owned(), port);
        assert_eq!(candidates(registered(&[("db-2", 3307)]), readers()), [at("db-2", 3307)]);
        assert_eq!(candidates(registered(&[("", 3307)]), readers()), [at("10.0.0.7", 3307)]);
        assert_eq!(candidates(registered(&[]), readers()), [at("10.0.0.7", 3306)]);
    }
}
