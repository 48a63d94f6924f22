//! The permits of a limited queue: one row for each slot that its workers may use at once, with one owner at most.
//!
//! The permit of a worker that is heard of no more is free when the server lists none of its sessions any longer: a
//! statement outlives the worker that has sent it.

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Row, params};

use crate::Error;
use crate::connection::LedgerClient;
use crate::facts::{SERVER, SessionRef};
use crate::row;

/// A worker that is silent for longer than this, and than three times what it says that it takes to see a change, may have
/// lost its permits.
const SILENT_SECONDS: u32 = 15;
/// So many rows are written by one statement.
const ROWS_PER_INSERT: u32 = 1000;

/// The sessions that a server lists, as far as an account may see them: its own, as a rule.
pub struct ListedSessions {
    account: String,
    server: String,
    /// Connection id and client.
    sessions: Vec<(u64, String)>,
}

impl ListedSessions {
    /// Whether a session of the same account has ended. A statement on another server is none of this one.
    pub fn has_ended(&self, session: &SessionRef) -> bool {
        let SessionRef { id, client, server } = session;
        *server != self.server || !self.sessions.iter().any(|(listed, of)| listed == id && of == client)
    }
}

/// Asks the server for them.
async fn listed(conn: &mut mysql_async::Conn) -> Result<Option<ListedSessions>, mysql_async::Error> {
    let own: Option<(String, String)> = conn.query_first(format!("SELECT CURRENT_USER(), {SERVER}")).await?;
    let Some((account, server)) = own else { return Ok(None) };
    let rows: Vec<Row> = conn.query("SHOW PROCESSLIST").await?;
    let session = |row: &Row| Some((row.get_opt("Id")?.ok()?, row.get_opt("Host")?.ok()?));
    Ok(Some(ListedSessions { account, server, sessions: rows.iter().filter_map(session).collect() }))
}

/// The owner of permits, who is heard of no more.
#[derive(FromRow)]
struct Silent {
    owner: String,
    /// Of its sessions; `None`: it has never said, or its row is gone.
    account: Option<String>,
    sessions: Option<String>,
}

/// The rows of permits; see [`LedgerClient::permits`].
pub struct Permits<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl Permits<'_> {
    /// Makes the rows of so many permits, if they are not there yet.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the rows.
    pub async fn make(&mut self, queue: &str, permits: u32) -> Result<(), Error> {
        let permit = &self.client.database.tables.permit;
        let there = format!("SELECT COUNT(*) FROM {permit} WHERE queue = ? AND id < ?");
        let insert = format!("INSERT IGNORE INTO {permit} (queue, id) VALUES ");
        self.client
            .ask("make the permits", async |conn| {
                let there: Option<u32> = conn.exec_first(there, (queue, permits)).await?;
                if there == Some(permits) {
                    return Ok(());
                }
                for first in (0..permits).step_by(ROWS_PER_INSERT as usize) {
                    let ids = first..permits.min(first + ROWS_PER_INSERT);
                    let rows: Vec<String> = ids.map(|id| format!("(?, {id})")).collect();
                    let queues = vec![mysql_async::Value::from(queue); rows.len()];
                    conn.exec_drop(format!("{insert}{}", rows.join(", ")), queues).await?;
                }
                Ok(())
            })
            .await
    }

    /// The permits that a worker owns.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn of_worker(&mut self, queue: &str, worker: &str) -> Result<Vec<u32>, Error> {
        let permit = &self.client.database.tables.permit;
        let query = format!("SELECT id FROM {permit} WHERE owner = ? AND queue = ?");
        self.client.ask("read the permits", async |conn| conn.exec(query, (worker, queue)).await).await
    }

    /// Takes up to `wanted` of the free permits with ids below `limit`. Which it has got, [`of_worker`](Self::of_worker)
    /// says. Returns how many it could not get.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn take(&mut self, queue: &str, worker: &str, limit: u32, wanted: u32) -> Result<u32, Error> {
        let permit = self.client.database.tables.permit.clone();
        // In another order by each worker: they would all wait for the same row.
        let free = format!(
            "SELECT id FROM {permit} WHERE queue = ? AND owner = '' AND id < ? ORDER BY RAND() LIMIT {wanted}"
        );
        let take = |ids: &[u32]| {
            let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
            format!(
                "UPDATE {permit} SET owner = ? WHERE queue = ? AND owner = '' AND id IN ({})",
                ids.join(", ")
            )
        };
        self.client
            .ask("take permits", async |conn| {
                let ids: Vec<u32> = conn.exec(free, (queue, limit)).await?;
                if ids.is_empty() {
                    return Ok(wanted);
                }
                conn.exec_drop(take(&ids), (worker, queue)).await?;
                Ok(wanted.saturating_sub(u32::try_from(conn.affected_rows()).unwrap_or(u32::MAX)))
            })
            .await
    }

    /// Gives permits of a worker back.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn give_back(&mut self, queue: &str, worker: &str, ids: &[u32]) -> Result<(), Error> {
        let permit = &self.client.database.tables.permit;
        let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
        let update = format!(
            "UPDATE {permit} SET owner = '' WHERE queue = ? AND owner = ? AND id IN ({})",
            ids.join(", ")
        );
        self.client.ask("give permits back", async |conn| conn.exec_drop(update, (queue, worker)).await).await
    }

    /// How many permits have an owner.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn in_use(&mut self, queue: &str) -> Result<u32, Error> {
        let permit = &self.client.database.tables.permit;
        let query = format!("SELECT COUNT(*) FROM {permit} WHERE queue = ? AND owner <> ''");
        let count: Option<u32> =
            self.client.ask("count the permits", async |conn| conn.exec_first(query, (queue,)).await).await?;
        Ok(count.unwrap_or_default())
    }

    /// The sessions of this account that the server lists now.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn listed_sessions(&mut self) -> Result<Option<ListedSessions>, Error> {
        self.client.ask("list the sessions", async |conn| listed(conn).await).await
    }

    /// Frees the permits of workers that are heard of no more and whose sessions have all ended, as far as this account
    /// may see sessions: those of its own, as a rule.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn free_silent(&mut self, queue: &str) -> Result<(), Error> {
        let tables = &self.client.database.tables;
        let (permit, worker) = (tables.permit.clone(), tables.worker.clone());
        // Seconds since 1970 on both sides: no night of a time change makes anybody look silent.
        let is_silent = format!(
            "UNIX_TIMESTAMP(w.seen) < UNIX_TIMESTAMP() - GREATEST({SILENT_SECONDS}, 3 * COALESCE(w.view_ms, 0) / 1000)"
        );
        let silent = format!(
            "SELECT DISTINCT p.owner, w.account, w.sessions FROM {permit} p LEFT JOIN {worker} w ON w.id = p.owner \
             WHERE p.queue = ? AND p.owner <> '' AND (w.id IS NULL OR {is_silent})"
        );
        // What was looked at has to be so still: it may have come back, with another session.
        let free = format!(
            "UPDATE {permit} p LEFT JOIN {worker} w ON w.id = p.owner SET p.owner = '' \
             WHERE p.queue = :queue AND p.owner = :owner \
             AND (w.id IS NULL OR {is_silent} AND w.account <=> :account AND w.sessions <=> :sessions)"
        );
        self.client
            .ask("free the permits of dead workers", async |conn| {
                let rows: Vec<Row> = conn.exec(silent, (queue,)).await?;
                if rows.is_empty() {
                    return Ok(());
                }
                let Some(listed) = listed(conn).await? else { return Ok(()) };
                for row in rows {
                    let Ok(Silent { owner, account: of, sessions }) = row::read(row, "queryfleet_worker")
                    else {
                        continue;
                    };
                    if !have_ended(&of, sessions.as_deref(), &listed) {
                        continue;
                    }
                    let values = params! { queue, "owner" => owner, "account" => of, "sessions" => sessions };
                    conn.exec_drop(&free, values).await?;
                }
                Ok(())
            })
            .await
    }
}

/// Whether all of these sessions have ended, as far as that can be known with the account that lists them.
fn have_ended(account: &Option<String>, sessions: Option<&str>, listed: &ListedSessions) -> bool {
    // A worker writes them down before it takes a permit.
    let Some(sessions) = sessions else { return true };
    let Ok(sessions) = serde_json::from_str::<Vec<SessionRef>>(sessions) else { return false };
    if account.as_deref() != Some(listed.account.as_str()) {
        return sessions.is_empty();
    }
    sessions.iter().all(|session| listed.has_ended(session))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_ended_when_this_account_would_see_it_and_the_server_lists_it_no_more() {
        let session =
            |id, client: &str, server: &str| SessionRef { id, client: client.into(), server: server.into() };
        let sessions = vec![(5, "a:1".to_owned()), (6, "b:2".to_owned())];
        let listed = ListedSessions { account: "me@%".into(), server: "s".into(), sessions };
        for (account, sessions, expected) in [
            ("me@%", vec![], true),
            ("me@%", vec![session(4, "a:1", "s")], true),
            ("me@%", vec![session(4, "a:1", "s"), session(6, "b:2", "s")], false),
            // Another server's, and an id that is somebody else's now.
            ("me@%", vec![session(6, "b:2", "t"), session(5, "a:9", "s")], true),
            // Nobody can say.
            ("other@%", vec![session(4, "a:1", "s")], false),
        ] {
            let text = serde_json::to_string(&sessions).unwrap();
            let ended = have_ended(&Some(account.into()), Some(&text), &listed);
            assert_eq!(ended, expected, "{account} {text}");
        }
        assert!(have_ended(&None, None, &listed));
        assert!(!have_ended(&None, Some("?"), &listed));
    }
}
