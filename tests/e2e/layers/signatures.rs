//! Which public items of a crate name a type of a client library, read from the source text.
//!
//! `pub` is public: the lint `unreachable_pub` sees to it that nothing else says so.

use std::collections::BTreeSet;
use std::path::Path;

use syn::visit::Visit;
use syn::{Field, Fields, ImplItem, Item, ItemImpl, Type, UseTree, Visibility};

/// Every public item in `source` whose signature, fields or conversions name a type of `client`: `enum Error`,
/// `fn Broker::connect`.
pub(super) fn that_name(client: &str, source: &Path) -> BTreeSet<String> {
    let mut files = Vec::new();
    read_folder(source, &mut files);
    let public_types: BTreeSet<String> =
        files.iter().flat_map(|file| &file.items).filter_map(name_of_public_type).collect();
    let mut found = BTreeSet::new();
    for file in &files {
        let mut imported = BTreeSet::from([client.to_owned()]);
        for item in &file.items {
            if let Item::Use(declaration) = item {
                import(&declaration.tree, client, false, &mut imported);
            }
        }
        for item in file.items.iter().filter(|item| !super::is_of_tests(super::attributes(item))) {
            found.extend(names_in(item, client, &imported, &public_types));
        }
    }
    found
}

fn read_folder(folder: &Path, files: &mut Vec<syn::File>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_folder(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(super::parse(&path));
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn name_of_public_type(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) if is_public(&item.vis) => Some(item.ident.to_string()),
        Item::Enum(item) if is_public(&item.vis) => Some(item.ident.to_string()),
        _ => None,
    }
}

/// Adds the names under which a file knows the client's types and modules.
fn import(tree: &UseTree, client: &str, is_of_client: bool, imported: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => import(&path.tree, client, is_of_client || path.ident == client, imported),
        UseTree::Group(group) => {
            for tree in &group.items {
                import(tree, client, is_of_client, imported);
            }
        }
        UseTree::Name(name) if is_of_client => _ = imported.insert(name.ident.to_string()),
        UseTree::Rename(name) if is_of_client => _ = imported.insert(name.rename.to_string()),
        UseTree::Glob(_) => assert!(!is_of_client, "a glob import of {client} hides which names are its own"),
        _ => {}
    }
}

/// The public things of one item that name the client.
fn names_in(
    item: &Item,
    client: &str,
    imported: &BTreeSet<String>,
    public_types: &BTreeSet<String>,
) -> Vec<String> {
    let mut mentions = Mentions { imported, found: false };
    let what = match item {
        Item::Fn(item) if is_public(&item.vis) => {
            mentions.visit_signature(&item.sig);
            format!("fn {}", item.sig.ident)
        }
        Item::Struct(item) if is_public(&item.vis) => {
            mentions.visit_generics(&item.generics);
            mentions.visit_shown_fields(&item.fields);
            format!("struct {}", item.ident)
        }
        Item::Enum(item) if is_public(&item.vis) => {
            mentions.visit_generics(&item.generics);
            for variant in &item.variants {
                mentions.visit_fields(&variant.fields);
            }
            format!("enum {}", item.ident)
        }
        Item::Type(item) if is_public(&item.vis) => {
            mentions.visit_item_type(item);
            format!("type {}", item.ident)
        }
        Item::Const(item) if is_public(&item.vis) => {
            mentions.visit_type(&item.ty);
            format!("const {}", item.ident)
        }
        Item::Trait(item) if is_public(&item.vis) => {
            mentions.visit_item_trait(item);
            format!("trait {}", item.ident)
        }
        Item::Use(item) if is_public(&item.vis) => {
            let mut passed_on = BTreeSet::new();
            import(&item.tree, client, false, &mut passed_on);
            return passed_on.into_iter().map(|name| format!("use {name}")).collect();
        }
        Item::Impl(item) => return names_in_impl(item, imported, public_types),
        _ => return Vec::new(),
    };
    if mentions.found { vec![what] } else { Vec::new() }
}

fn names_in_impl(
    item: &ItemImpl,
    imported: &BTreeSet<String>,
    public_types: &BTreeSet<String>,
) -> Vec<String> {
    let Type::Path(own) = &*item.self_ty else { return Vec::new() };
    let own = own.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
    let mut found = Vec::new();
    if let Some((implemented, _)) = &item.trait_ {
        let mut mentions = Mentions { imported, found: false };
        mentions.visit_path(implemented);
        if mentions.found && public_types.contains(&own) {
            let name =
                implemented.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            found.push(format!("impl {name} for {own}"));
        }
    }
    for inner in &item.items {
        let ImplItem::Fn(function) = inner else { continue };
        let mut mentions = Mentions { imported, found: false };
        mentions.visit_signature(&function.sig);
        if mentions.found && is_public(&function.vis) {
            found.push(format!("fn {own}::{}", function.sig.ident));
        }
    }
    found
}

/// Whether a path that begins with one of the client's names was seen.
struct Mentions<'a> {
    imported: &'a BTreeSet<String>,
    found: bool,
}

impl Mentions<'_> {
    /// The fields that others see, and those that thiserror makes a conversion or a source of.
    fn visit_shown_fields(&mut self, fields: &Fields) {
        let is_shown = |field: &&Field| {
            let is_converted = |attribute: &syn::Attribute| attribute.path().is_ident("from");
            is_public(&field.vis) || field.attrs.iter().any(is_converted)
        };
        for field in fields.iter().filter(is_shown) {
            self.visit_type(&field.ty);
        }
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let first = path.segments.first().map(|segment| segment.ident.to_string()).unwrap_or_default();
        self.found |= self.imported.contains(&first);
        syn::visit::visit_path(self, path);
    }
}
