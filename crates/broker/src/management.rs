//! The policies that apply to the queues, asked of RabbitMQ's management page: AMQP says nothing of them.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use lapin::tcp::RustlsConnector;
use lapin::uri::{AMQPScheme, AMQPUri};
use queryfleet_config::Config;

use crate::{Broker, Error, Topology, tls};

/// Bytes of an answer at most: one queue's.
const ANSWER: u64 = 1 << 20;

/// Where the management page is, and who asks.
pub struct Management {
    uri: AMQPUri,
    connector: Option<RustlsConnector>,
    authorization: String,
    vhost: String,
    timeout: Duration,
}

/// What policies make of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuePolicy {
    /// The queue.
    pub queue: String,
    /// The names of the policy and of the operator policy that apply to it.
    pub names: Vec<String>,
    /// What they say together, each value as JSON.
    pub definition: BTreeMap<String, String>,
}

impl Broker {
    /// The management page of this broker; `None` when QUERYFLEET_MANAGEMENT_URL is not set.
    ///
    /// # Errors
    /// When that is unreadable, or a TLS file is.
    pub fn management(&self, config: &Config) -> Result<Option<Management>, Error> {
        let Some(url) = &config.management_url else { return Ok(None) };
        // The same form as a broker's URL, but for the scheme and the ports.
        let text = url.expose().replacen("http", "amqp", 1);
        let mut uri: AMQPUri =
            text.parse().map_err(|_| Error::Management { why: "it cannot be read".into() })?;
        uri.authority.port = match uri.authority.port {
            5672 => 15672,
            5671 => 15671,
            port => port,
        };
        let broker = &self.urls[0];
        let named = text.contains('@');
        let user = if named { &uri.authority.userinfo } else { &broker.authority.userinfo };
        Ok(Some(Management {
            connector: tls::connector(config, std::slice::from_ref(&uri))?,
            authorization: STANDARD.encode(format!("{}:{}", user.username, user.password)),
            vhost: encoded(&broker.vhost),
            timeout: self.timeout(),
            uri,
        }))
    }
}

impl Management {
    /// What policies make of each queue of the topology.
    ///
    /// # Errors
    /// [`Error::Management`] when the page does not answer, or not to this account.
    pub async fn policies(&self, topology: &Topology) -> Result<Vec<QueuePolicy>, Error> {
        let tiers = (0..topology.tiers()).map(|tier| topology.tier(tier));
        let mut found = Vec::new();
        for queue in [topology.work(), topology.dead()].into_iter().chain(tiers) {
            let asking = tokio::time::timeout(self.timeout, self.get(&queue));
            let why = |why: String| Error::Management { why: format!("{}: {why}", self.server()) };
            let answer = asking.await.map_err(|_| why("no answer in time".into()))?;
            let answer = answer.map_err(|error| why(error.to_string()))?;
            found.push(read(&queue, &answer).map_err(why)?);
        }
        Ok(found)
    }

    fn server(&self) -> String {
        format!("{}:{}", self.uri.authority.host, self.uri.authority.port)
    }

    async fn get(&self, queue: &str) -> std::io::Result<Vec<u8>> {
        let mut plain = self.uri.clone();
        plain.scheme = AMQPScheme::AMQP;
        let mut stream = tls::open(&plain, self.connector.as_ref()).await?;
        // 1.0, so that the answer ends with the connection.
        let request = format!(
            "GET /api/queues/{}/{} HTTP/1.0\r\nHost: {}\r\nAuthorization: Basic {}\r\n\r\n",
            self.vhost,
            encoded(queue),
            self.server(),
            self.authorization
        );
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut answer = Vec::new();
        stream.take(ANSWER).read_to_end(&mut answer).await?;
        Ok(answer)
    }
}

/// Whatever may stand in a name, for a path.
fn encoded(name: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}

/// The policies in an answer.
fn read(queue: &str, answer: &[u8]) -> Result<QueuePolicy, String> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or("it does not answer as HTTP")?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    match status {
        "200" => {}
        "401" | "403" => return Err("it refuses this account: it has to have the tag management".into()),
        _ => return Err(format!("it answers {status}")),
    }
    let value: serde_json::Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let name = |key: &str| value[key].as_str().filter(|name| !name.is_empty()).map(str::to_owned);
    let definition = value["effective_policy_definition"].as_object();
    let definition = definition.into_iter().flatten().map(|(key, value)| (key.clone(), value.to_string()));
    Ok(QueuePolicy {
        queue: queue.to_owned(),
        names: ["policy", "operator_policy"].into_iter().filter_map(name).collect(),
        definition: definition.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_applies() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n\
            {\"policy\":\"ttl\",\"operator_policy\":null,\"effective_policy_definition\":{\"message-ttl\":5000}}";
        let policy = read("q", answer).unwrap();
        assert_eq!(policy.names, ["ttl"]);
        assert_eq!(policy.definition["message-ttl"], "5000");
        // Of a queue without policies RabbitMQ answers an empty list.
        let none = b"HTTP/1.1 200 OK\r\n\r\n{\"policy\":null,\"effective_policy_definition\":[]}";
        assert_eq!(read("q", none).unwrap().definition.len(), 0);
        assert!(read("q", b"HTTP/1.1 401 Unauthorized\r\n\r\n").unwrap_err().contains("tag management"));
        assert!(read("q", b"AMQP").is_err());
        assert_eq!(encoded("/a.b"), "%2Fa%2Eb");
    }
}
