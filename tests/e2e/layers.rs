//! The floors of ARCHITECTURE.md: arrows point only down, between crates and between the modules of each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use syn::{Attribute, Item};

mod modules;
mod signatures;

/// Each crate and the crates of ours that it may use.
const FLOORS: [(&str, &[&str]); 13] = [
    ("sql", &[]),
    ("job", &["sql"]),
    ("config", &["sql"]),
    ("metrics", &["sql", "job"]),
    ("broker", &["sql", "job", "config", "metrics"]),
    ("ledger", &["sql", "job", "config", "metrics"]),
    ("producer", &["sql", "job", "config", "metrics", "broker", "ledger"]),
    ("consumer", &["sql", "job", "config", "metrics", "broker", "ledger"]),
    ("operator", &["sql", "job", "config", "metrics", "broker", "ledger"]),
    ("devstack", &["job", "config", "metrics"]),
    (
        "queryfleet",
        &[
            "sql", "job", "config", "metrics", "broker", "ledger", "producer", "consumer", "operator",
            "devstack",
        ],
    ),
    ("python", &["queryfleet"]),
    (
        "cli",
        &[
            "sql",
            "job",
            "config",
            "metrics",
            "broker",
            "ledger",
            "producer",
            "consumer",
            "operator",
            "devstack",
            "queryfleet",
        ],
    ),
];
/// Each client library and the only crate that may use it, tests and benches apart.
const CLIENTS: [(&str, &str); 2] = [("lapin", "broker"), ("mysql_async", "ledger")];
/// What is no part of the program.
const BESIDE: [&str; 3] = ["tests", "bench", "fuzz"];
/// The circles of modules that are still to be cut: the folder, and the modules between which arrows go in a circle.
/// This list only shrinks, and an entry whose circle is gone has to leave it.
const CIRCLES_TO_CUT: &[(&str, &[&str])] = &[];
/// The public items that still name a type of their crate's client library; it shrinks as the list above does.
const LEAKS_TO_CLOSE: &[(&str, &str)] = &[];

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

#[test]
fn the_modules_of_a_crate_use_one_another_in_no_circle() {
    let mut found = Vec::new();
    for crate_name in packages().into_keys().filter(|name| !BESIDE.contains(&name.as_str())) {
        found.extend(modules::circles(&crate_name, &sources(&crate_name)));
    }
    let is_within = |circle: &modules::Circle, (folder, members): &(&str, &[&str])| {
        circle.folder == *folder && circle.members.iter().all(|member| members.contains(&member.as_str()))
    };
    let new: Vec<_> = found
        .iter()
        .filter(|circle| !CIRCLES_TO_CUT.iter().any(|known| is_within(circle, known)))
        .map(|circle| format!("{}: {:?}\n    {}", circle.folder, circle.members, circle.uses.join("\n    ")))
        .collect();
    assert!(new.is_empty(), "modules that use one another in a circle:\n{}", new.join("\n"));
    let cut: Vec<_> =
        CIRCLES_TO_CUT.iter().filter(|known| !found.iter().any(|circle| is_within(circle, known))).collect();
    assert!(cut.is_empty(), "cut already: take them from CIRCLES_TO_CUT: {cut:?}");
}

#[test]
fn no_public_item_names_a_type_of_a_client_library() {
    let mut found = BTreeSet::new();
    for (client, home) in CLIENTS {
        found.extend(signatures::that_name(client, &sources(home)).into_iter().map(|item| (home, item)));
    }
    let known: BTreeSet<(&str, String)> =
        LEAKS_TO_CLOSE.iter().map(|(home, item)| (*home, (*item).to_owned())).collect();
    assert_eq!(found, known, "found, and LEAKS_TO_CLOSE");
}

#[test]
fn a_circle_of_modules_is_seen_through_what_passes_names_on() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("lib.rs", "mod a; mod b; mod c; mod d; pub use a::A; pub use c::C;");
    // In a circle by a path in a macro, and by a name that lib.rs passes on.
    write("a/mod.rs", "mod inner; pub struct A; fn f() { println!(\"{}\", crate::b::B); }");
    write("b.rs", "use crate::{A, C}; pub struct B(A, C);");
    // In none: a test's use, documentation, and a child's use of a parent that does not use the child.
    write("a/inner.rs", "use super::A; impl A {}");
    write("c.rs", "/// As [`crate::b::B`].\npub struct C;\n#[cfg(test)] mod tests { use crate::b::B; }");
    write("d.rs", "use crate::C;");
    let found = modules::circles("x", folder.path());
    let found: Vec<_> = found.iter().map(|circle| (circle.folder.as_str(), &circle.members)).collect();
    assert_eq!(found, [("x", &BTreeSet::from(["a".to_owned(), "b".to_owned()]))]);
}

#[test]
fn a_type_of_a_client_library_is_seen_wherever_it_is_public() {
    let folder = tempfile::tempdir().unwrap();
    let text = "use wire::{Channel, tcp::Stream as Tcp};
        pub enum Error { Lost(#[from] wire::Error), Late }
        pub struct Open { pub channel: Channel }
        pub struct Closed { channel: Channel }
        impl Closed { pub fn stream(&self) -> Option<&Tcp> { None } fn own(&self) -> Channel { todo!() } }
        impl From<wire::Error> for Closed { fn from(_: wire::Error) -> Self { todo!() } }
        struct Private; impl From<wire::Error> for Private { fn from(_: wire::Error) -> Self { todo!() } }
        pub(crate) fn inside() -> Channel { todo!() }";
    std::fs::write(folder.path().join("lib.rs"), text).unwrap();
    let found = signatures::that_name("wire", folder.path());
    let expected = ["enum Error", "fn Closed::stream", "impl From for Closed", "struct Open"];
    assert_eq!(found, BTreeSet::from(expected.map(str::to_owned)));
}

fn sources(crate_name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(crate_name).join("src")
}

/// The file as items.
fn parse(path: &Path) -> syn::File {
    let text = std::fs::read_to_string(path).unwrap();
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_of_tests(attributes: &[Attribute]) -> bool {
    let is_test =
        |attribute: &Attribute| attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test");
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") && is_test(attribute))
}

/// The attributes of an item that may be one of tests only.
fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
