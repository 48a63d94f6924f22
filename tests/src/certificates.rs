//! Certificates, made anew for every run of the tests.

use std::path::Path;

use queryfleet_devstack::Tls;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// Who signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub pem: String,
}

/// A certificate with its key.
pub struct Pair {
    /// In PEM.
    pub cert: String,
    /// In PEM, PKCS#8.
    pub key: String,
}

impl Authority {
    /// An authority that nobody knows yet.
    pub fn new(name: &str) -> Authority {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for these names and addresses.
    pub fn sign(&self, name: &str, names: &[&str]) -> Pair {
        let key = KeyPair::generate().expect("a key");
        Pair { cert: self.sign_key(&key, name, names), key: key.serialize_pem() }
    }

    /// A certificate of a key that is there.
    pub fn sign_key(&self, key: &KeyPair, name: &str, names: &[&str]) -> String {
        params(name, names).signed_by(key, &self.issuer).expect("a certificate").pem()
    }

    /// A certificate of the authority's that was good for a day, years ago.
    fn sign_expired(&self, name: &str, names: &[&str]) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(name, names);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 2);
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Pair { cert, key: key.serialize_pem() }
    }

    /// The files of a server of these names, in a folder.
    pub(crate) fn server(&self, folder: &Path, names: &[&str], clients_need_one: bool) -> Tls {
        self.files(folder, self.sign("server", names), clients_need_one)
    }

    /// The same of a server whose certificate has expired.
    pub(crate) fn expired_server(&self, folder: &Path, names: &[&str]) -> Tls {
        self.files(folder, self.sign_expired("server", names), false)
    }

    fn files(&self, folder: &Path, Pair { cert, key }: Pair, clients_need_one: bool) -> Tls {
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("a file in the test's folder");
            path
        };
        let (ca, cert, key) =
            (file("ca.pem", &self.pem), file("server.pem", &cert), file("server.key", &key));
        Tls { ca, cert, key, clients_need_one }
    }
}

fn params(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names and addresses");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
