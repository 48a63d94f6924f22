//! The policies that apply to the queues, read from RabbitMQ's management page: AMQP does not tell them.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use lapin::tcp::RustlsConnector;
use lapin::uri::{AMQPScheme, AMQPUri};
use queryfleet_config::Config;

use super::topology::Topology;
use crate::connection::tls;
use crate::{Broker, Error};

/// The most that is read of an answer, which is about one queue.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// The management page, and the account that reads it.
pub struct Management {
    uri: AMQPUri,
    connector: Option<RustlsConnector>,
    authorization: String,
    vhost: String,
    timeout: Duration,
}

/// The policies of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuePolicy {
    /// The queue.
    pub queue: String,
    /// The names of the policy and of the operator policy that apply to it.
    pub names: Vec<String>,
    /// What they define together, each value as JSON.
    pub definition: BTreeMap<String, String>,
}

impl Broker {
    /// The management page of this broker; `None` if QUERYFLEET_MANAGEMENT_URL is not set.
    ///
    /// # Errors
    /// Returns an error if that variable or a TLS file cannot be read.
    pub fn management(&self, config: &Config) -> Result<Option<Management>, Error> {
        let Some(url) = &config.management_url else { return Ok(None) };
        // It has the same form as a broker's URL, except for the scheme and the ports.
        let text = url.expose().replacen("http", "amqp", 1);
        let mut uri: AMQPUri =
            text.parse().map_err(|_| Error::Management { why: "it cannot be read".into() })?;
        uri.authority.port = match uri.authority.port {
            5672 => 15672,
            5671 => 15671,
            port => port,
        };
        let broker = &self.urls[0];
        let names_user = text.contains('@');
        let user = if names_user { &uri.authority.userinfo } else { &broker.authority.userinfo };
        Ok(Some(Management {
            connector: tls::connector(config, std::slice::from_ref(&uri))?,
            authorization: STANDARD.encode(format!("{}:{}", user.username, user.password)),
            vhost: percent_encoded(&broker.vhost),
            timeout: self.timeout(),
            uri,
        }))
    }
}

impl Management {
    /// The policies of each queue of the topology.
    ///
    /// # Errors
    /// [`Error::Management`] if the page does not answer, or not this account.
    pub async fn policies(&self, topology: &Topology) -> Result<Vec<QueuePolicy>, Error> {
        let tiers = (0..topology.tiers()).map(|tier| topology.tier(tier));
        let mut found = Vec::new();
        for queue in [topology.work(), topology.dead()].into_iter().chain(tiers) {
            let policy = self.policy_of(&queue).await;
            let at_server = |why| Error::Management { why: format!("{}: {why}", self.server()) };
            found.push(policy.map_err(at_server)?);
        }
        Ok(found)
    }

    async fn policy_of(&self, queue: &str) -> Result<QueuePolicy, String> {
        let answer = tokio::time::timeout(self.timeout, self.get(queue)).await;
        let answer = answer.map_err(|_| "no answer in time".to_owned())?;
        parse_answer(queue, &answer.map_err(|error| error.to_string())?)
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
            percent_encoded(queue),
            self.server(),
            self.authorization
        );
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await?;
        Ok(answer)
    }
}

/// A name as one segment of a path.
fn percent_encoded(name: &str) -> String {
    name.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

/// The policies in an answer, or what is wrong with it.
fn parse_answer(queue: &str, answer: &[u8]) -> Result<QueuePolicy, String> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or("it does not speak HTTP")?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    match status {
        "200" => {}
        "401" | "403" => return Err("it refuses this account, which needs the tag management".into()),
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
        let policy = parse_answer("q", answer).unwrap();
        assert_eq!(policy.names, ["ttl"]);
        assert_eq!(policy.definition["message-ttl"], "5000");
        // For a queue without policies RabbitMQ sends an empty list.
        let none = b"HTTP/1.1 200 OK\r\n\r\n{\"policy\":null,\"effective_policy_definition\":[]}";
        assert_eq!(parse_answer("q", none).unwrap().definition.len(), 0);
        assert!(
            parse_answer("q", b"HTTP/1.1 401 Unauthorized\r\n\r\n").unwrap_err().contains("tag management")
        );
        assert!(parse_answer("q", b"AMQP").is_err());
        assert_eq!(percent_encoded("/a.b"), "%2Fa%2Eb");
    }
}
