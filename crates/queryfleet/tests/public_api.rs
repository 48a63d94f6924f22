//! All that is public, as `public-api.txt` has it: a change there is a change of the contract, and belongs into CHANGELOG.md.
//! `UPDATE_EXPECT=1 cargo test -p queryfleet --test public_api` accepts it.

// A test that cannot go on panics: that is how it fails.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use quote::ToTokens;
use syn::{Attribute, Fields, ImplItem, Item, UseTree, Visibility};

/// A line per item, of what `lib.rs` exports.
fn public_items() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        files.push((name, syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap()));
    }
    let mut exported = BTreeSet::new();
    let mut lines = BTreeSet::new();
    for item in &files.iter().find(|(name, _)| name == "lib").unwrap().1.items {
        match item {
            Item::Use(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                names(&item.tree, &mut exported);
            }
            Item::Mod(item) if is_public(&item.vis) => {
                lines.insert(format!("mod {}", item.ident));
                let (_, file) = files.iter().find(|(name, _)| item.ident == name).unwrap();
                exported.extend(file.items.iter().filter_map(|item| match item {
                    Item::Struct(item) if is_public(&item.vis) => Some(item.ident.to_string()),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    for (_, file) in &files {
        file.items.iter().for_each(|item| describe(item, &exported, &mut lines));
    }
    let described = |name: &String| {
        let is_it = |line: &String| line.split([' ', ':', '<']).any(|word| word == name);
        lines.iter().any(is_it)
    };
    let missing: Vec<_> = exported.iter().filter(|name| !described(name)).collect();
    assert!(
        missing.is_empty(),
        "exported, and of another crate, whose changes are not seen here: {missing:?}"
    );
    lines
}

fn names(tree: &UseTree, exported: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => names(&path.tree, exported),
        UseTree::Group(group) => group.items.iter().for_each(|tree| names(tree, exported)),
        UseTree::Name(name) => {
            exported.insert(name.ident.to_string());
        }
        UseTree::Rename(rename) => {
            exported.insert(rename.rename.to_string());
        }
        UseTree::Glob(_) => panic!("lib.rs says each name that it exports"),
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Whether it is for the binary, and promises nothing.
fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| text(&attribute.meta) == "doc (hidden)")
}

/// What of the attributes is part of the contract.
fn marks(attributes: &[Attribute]) -> String {
    let mut marks = String::new();
    for attribute in attributes {
        if attribute.path().is_ident("non_exhaustive") {
            marks += "#[non_exhaustive] ";
        } else if attribute.path().is_ident("derive") {
            marks += &format!("#[{}] ", text(&attribute.meta));
        }
    }
    marks
}

fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

fn describe(item: &Item, exported: &BTreeSet<String>, lines: &mut BTreeSet<String>) {
    match item {
        Item::Struct(item) if exported.contains(&item.ident.to_string()) => {
            let name = &item.ident;
            lines.insert(format!("{}struct {name}{}", marks(&item.attrs), text(&item.generics)));
            for field in item.fields.iter().filter(|field| is_public(&field.vis)) {
                lines.insert(format!("{name}::{}: {}", text(&field.ident), text(&field.ty)));
            }
        }
        Item::Enum(item) if exported.contains(&item.ident.to_string()) => {
            let name = &item.ident;
            lines.insert(format!("{}enum {name}{}", marks(&item.attrs), text(&item.generics)));
            for variant in &item.variants {
                let fields: Vec<String> = match &variant.fields {
                    Fields::Unit => Vec::new(),
                    fields => fields
                        .iter()
                        .map(|field| match &field.ident {
                            Some(name) => format!("{name}: {}", text(&field.ty)),
                            None => text(&field.ty),
                        })
                        .collect(),
                };
                lines.insert(format!("{name}::{}({})", variant.ident, fields.join(", ")));
            }
        }
        Item::Impl(item) if !is_hidden(&item.attrs) => {
            let of = text(&item.self_ty);
            let name = of.split([' ', '<']).next().unwrap();
            if !exported.contains(name) {
                return;
            }
            if let Some((path, _)) = &item.trait_ {
                lines.insert(format!("impl{} {} for {of}", text(&item.generics), text(path)));
                return;
            }
            for member in &item.items {
                if let ImplItem::Fn(member) = member
                    && is_public(&member.vis)
                    && !is_hidden(&member.attrs)
                {
                    lines.insert(format!("{of}::{}", text(&member.sig)));
                }
            }
        }
        Item::Macro(item) => {
            // The conversions into a Value are written by one.
            lines.insert(format!("macro {}", text(&item.mac)));
        }
        _ => {}
    }
}

#[test]
fn all_that_is_public_is_listed() {
    let lines: Vec<String> = public_items().into_iter().map(|line| line + "\n").collect();
    // Those of the parts, of lapin and of mysql_async change when they like.
    let others: Vec<_> =
        lines.iter().filter(|line| line.contains("queryfleet_") || line.contains("lapin")).collect();
    assert!(others.is_empty(), "types of other crates: {others:?}");
    expect_test::expect_file!["../public-api.txt"].assert_eq(&lines.concat());
}
