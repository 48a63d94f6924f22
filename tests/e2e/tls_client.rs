//! Client certificates, for servers that let nobody in without one.

use base64::prelude::{BASE64_STANDARD, Engine};
use queryfleet_tests::{Authority, Fleet, KeyPair, Pair};

use crate::tls::{Variables, account, is_refused, run, server, with};

const AMQP: &str = "QUERYFLEET_AMQP_URL";
const MYSQL: &str = "QUERYFLEET_MYSQL_URL";
/// Made for these tests and used nowhere else: the tests' certificate library makes no RSA keys.
const RSA: &str = include_str!("rsa.pem");

/// What reaches both servers as far as their certificates go; the client has none yet.
fn without_certificate(fleet: &Fleet) -> Variables {
    let ca = fleet.file("ca.pem", &fleet.authority().pem);
    let localhost = |url: &str| url.replace("127.0.0.1", "localhost");
    vec![
        (AMQP, localhost(&fleet.amqps_url())),
        ("QUERYFLEET_AMQP_CA", ca.clone()),
        (MYSQL, localhost(&account(fleet, "certified", "X509"))),
        ("QUERYFLEET_MYSQL_CA", ca),
    ]
}

/// The same with a client certificate for one server, or the other.
fn certified(fleet: &Fleet, variables: &Variables, server: &str, pair: &Pair) -> Variables {
    let file = |end: &str, text: &str| {
        let name: &'static str = format!("QUERYFLEET_{server}_{end}").leak();
        (name, fleet.file(&format!("{server}-{end}.pem"), text))
    };
    let ((cert_name, cert), (key_name, key)) = (file("CERT", &pair.cert), file("KEY", &pair.key));
    with(&with(variables, cert_name, cert), key_name, key)
}

/// A key that PKCS#8 wraps, as the older forms have it: `openssl genrsa -traditional`, `openssl ecparam -genkey`.
fn unwrapped(pkcs8: &str, label: &str) -> String {
    let body: String = pkcs8.lines().filter(|line| !line.starts_with("---")).collect();
    let der = BASE64_STANDARD.decode(body).unwrap();
    // The inner structure is the OCTET STRING (4) that ends where the whole does, or before the attributes: the first
    // one that holds a SEQUENCE (0x30) of its own length.
    let inner = (0..der.len()).find_map(|at| {
        let (tag, rest) = der[at..].split_first()?;
        let (length, rest) = match rest {
            [0x82, high, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
            [0x81, length, rest @ ..] | [length, rest @ ..] => (usize::from(*length), rest),
            [] => return None,
        };
        (*tag == 4 && rest.first() == Some(&0x30)).then(|| rest.get(..length)).flatten()
    });
    let text = BASE64_STANDARD.encode(inner.unwrap());
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Every form of key that tools write, each with its certificate.
fn forms(authority: &Authority) -> Vec<Pair> {
    let rsa = KeyPair::from_pem(RSA).unwrap();
    let rsa_cert = authority.sign_key(&rsa, "worker", &[]);
    let ec = authority.sign("worker", &[]);
    // The curve's name, which `openssl ecparam -genkey` writes before the key.
    let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let sec1 = parameters.to_owned() + &unwrapped(&ec.key, "EC PRIVATE KEY");
    vec![
        Pair { cert: rsa_cert.clone(), key: RSA.to_owned() },
        Pair { cert: rsa_cert, key: unwrapped(RSA, "RSA PRIVATE KEY") },
        Pair { cert: ec.cert.clone(), key: sec1 },
        ec,
    ]
}

#[test]
fn servers_that_want_a_client_certificate_get_it() {
    let fleet = Fleet::with_client_certificates();
    let script = fleet.counters(20);
    let nothing = without_certificate(&fleet);
    let good = fleet.authority().sign("worker", &[]);
    let strange = Authority::new("somebody else").sign("worker", &[]);
    let both = certified(&fleet, &certified(&fleet, &nothing, "AMQP", &good), "MYSQL", &good);

    let only_mysql = certified(&fleet, &nothing, "MYSQL", &good);
    let words = [server(&nothing[0].1), "client certificate", "QUERYFLEET_AMQP_CERT"];
    is_refused(&fleet, &only_mysql, "broker TLS", &words);
    let strangers = certified(&fleet, &both, "AMQP", &strange);
    is_refused(&fleet, &strangers, "broker TLS", &["client certificate", "QUERYFLEET_AMQP_CERT"]);

    let both = certified(&fleet, &both, "AMQP", &good);
    let only_amqp = certified(&fleet, &nothing, "AMQP", &good);
    let words = [server(&nothing[2].1), "asks for a certificate (QUERYFLEET_MYSQL_CERT)", "Access denied"];
    is_refused(&fleet, &only_amqp, "database", &words);
    let strangers = certified(&fleet, &both, "MYSQL", &strange);
    is_refused(&fleet, &strangers, "database", &["QUERYFLEET_MYSQL_CERT"]);

    for pair in forms(fleet.authority()) {
        let both = certified(&fleet, &certified(&fleet, &nothing, "AMQP", &pair), "MYSQL", &pair);
        run(&fleet, &["doctor"], &both).expect(0);
    }
    run(&fleet, &["run", script.to_str().unwrap()], &both).expect(0);
    fleet.assert_each_once();

    fleet.sql("SET GLOBAL require_secure_transport = ON");
    let mysql = (MYSQL, nothing[2].1.replace("?require_ssl=true", ""));
    let in_the_clear: Variables = vec![mysql];
    let output = run(&fleet, &["work"], &in_the_clear).expect(1);
    assert!(output.err.contains("require_ssl=true"), "{output:#?}");
}
