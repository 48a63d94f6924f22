//! The floors of ARCHITECTURE.md: arrows point only down.

use std::collections::BTreeMap;
use std::process::Command;

/// Each crate and the crates of ours that it may use.
const FLOORS: [(&str, &[&str]); 10] = [
    ("sql", &[]),
    ("job", &["sql"]),
    ("config", &["sql"]),
    ("metrics", &["sql", "job"]),
    ("broker", &["sql", "job", "config", "metrics"]),
    ("ledger", &["sql", "job", "config", "metrics"]),
    ("producer", &["sql", "job", "config", "metrics", "broker", "ledger"]),
    ("consumer", &["sql", "job", "config", "metrics", "broker", "ledger"]),
    ("devstack", &["job", "config", "metrics"]),
    ("cli", &["sql", "job", "config", "metrics", "broker", "ledger", "producer", "consumer", "devstack"]),
];
/// Each client library and the only crate that may use it, tests and benches apart.
const CLIENTS: [(&str, &str); 2] = [("lapin", "broker"), ("mysql_async", "ledger")];
/// What is no part of the program.
const BESIDE: [&str; 2] = ["tests", "bench"];

/// Every package of the workspace with its dependencies, dev-dependencies left out.
fn packages() -> BTreeMap<String, Vec<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &serde_json::Value| {
        value["name"].as_str().unwrap().trim_start_matches("queryfleet-").to_owned()
    };
    let list = |value: &serde_json::Value| value.as_array().unwrap().clone();
    let used = |package: &serde_json::Value| {
        list(&package["dependencies"]).iter().filter(|used| used["kind"] != "dev").map(name).collect()
    };
    list(&metadata["packages"]).iter().map(|package| (name(package), used(package))).collect()
}

#[test]
fn arrows_point_only_down() {
    let packages = packages();
    for (name, used) in &packages {
        if BESIDE.contains(&name.as_str()) {
            continue;
        }
        let floor = FLOORS.iter().find(|(crate_name, _)| crate_name == name);
        let (_, allowed) =
            floor.unwrap_or_else(|| panic!("crate {name} has no floor: see ARCHITECTURE.md, Floors"));
        let ours = used.iter().filter(|used| packages.contains_key(*used));
        let wrong: Vec<_> = ours.filter(|used| !allowed.contains(&used.as_str())).collect();
        assert!(wrong.is_empty(), "{name} must not use {wrong:?}");
    }
    assert!(FLOORS.iter().all(|(name, _)| packages.contains_key(*name)), "{:?}", packages.keys());
}

#[test]
fn each_client_library_stays_in_its_crate() {
    for (name, used) in packages() {
        for (client, home) in CLIENTS {
            let allowed = name == home || BESIDE.contains(&name.as_str());
            assert!(
                allowed || !used.iter().any(|used| used == client),
                "{name} must not use {client}: {home} does"
            );
        }
    }
}
