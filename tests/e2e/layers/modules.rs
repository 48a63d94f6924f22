//! Which module of a crate uses which, and the circles among them, read from the source text.
//!
//! A module is a file. It uses another one by a `use` declaration or by a path that begins with `crate`, `super`, `self` or
//! a child module, also inside a macro. The edge goes to the file that defines the item: a name that a `mod.rs` or
//! `lib.rs` merely passes on (`pub use`) is followed to where it comes from, and passing it on is no use of it. Method
//! calls need no path, so they are no edges. Documentation and `#[cfg(test)]` are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;
use syn::{Attribute, ImplItemFn, Item, ItemUse, Macro, Meta, UseTree, Visibility};

/// The names of the modules from the root of the crate down to one; empty for `lib.rs`.
type ModulePath = Vec<String>;

/// Modules of one folder which use one another in a circle. A folder inside it counts as one module, and `mod` or `lib`
/// is the file of the folder itself.
#[derive(Debug)]
pub(super) struct Circle {
    /// The crate and the modules down to the folder: `ledger`, `ledger::session`.
    pub(super) folder: String,
    pub(super) members: BTreeSet<String>,
    /// For people: which file uses what.
    pub(super) uses: Vec<String>,
}

/// Every circle of modules in the crate whose sources are in `source`.
pub(super) fn circles(crate_name: &str, source: &Path) -> Vec<Circle> {
    let mut modules = BTreeMap::new();
    read_folder(source, &mut Vec::new(), &mut modules);
    let names: BTreeSet<ModulePath> = modules.keys().cloned().collect();
    let modules: BTreeMap<ModulePath, Module> =
        modules.into_iter().map(|(path, file)| (path.clone(), Module::read(&file, &path, &names))).collect();
    let mut graphs: BTreeMap<ModulePath, Graph> = BTreeMap::new();
    for (user, module) in &modules {
        for used in &module.uses {
            let home = home_of(used, &modules, 0);
            if home == *user {
                continue;
            }
            let depth = user.iter().zip(&home).take_while(|(ours, theirs)| ours == theirs).count();
            let graph = graphs.entry(user[..depth].to_vec()).or_default();
            let witness = format!("{} uses {}", file_of(user), used.join("::"));
            graph.entry((unit(user, depth), unit(&home, depth))).or_default().push(witness);
        }
    }
    let circles_of = |(folder, graph): (ModulePath, Graph)| {
        let folder = [vec![crate_name.to_owned()], folder].concat().join("::");
        circles_in(&folder, &graph)
    };
    graphs.into_iter().flat_map(circles_of).collect()
}

/// The edges between the modules of one folder, each with the uses that make it.
type Graph = BTreeMap<(String, String), Vec<String>>;

fn unit(module: &[String], depth: usize) -> String {
    let file_of_folder = if depth == 0 { "lib" } else { "mod" };
    module.get(depth).map_or(file_of_folder, String::as_str).to_owned()
}

fn file_of(module: &[String]) -> String {
    if module.is_empty() { "lib".into() } else { module.join("/") }
}

fn circles_in(folder: &str, graph: &Graph) -> Vec<Circle> {
    let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (user, used) in graph.keys() {
        reached.entry(user).or_default().insert(used);
    }
    loop {
        let before: usize = reached.values().map(BTreeSet::len).sum();
        for (user, used) in reached.clone() {
            let further = used.iter().filter_map(|used| reached.get(used)).flatten().copied().collect();
            let known = reached.entry(user).or_default();
            *known = known.union(&further).copied().collect();
        }
        if reached.values().map(BTreeSet::len).sum::<usize>() == before {
            break;
        }
    }
    let circle_of = |module: &str| -> BTreeSet<String> {
        let there = &reached[module];
        let and_back = |other: &&str| reached.get(*other).is_some_and(|reached| reached.contains(module));
        there.iter().copied().filter(and_back).map(str::to_owned).collect()
    };
    let groups: BTreeSet<_> =
        reached.keys().map(|module| circle_of(module)).filter(|group| !group.is_empty()).collect();
    let describe = |members: BTreeSet<String>| {
        let inside = |(edge, _): &(&(String, String), &Vec<String>)| {
            members.contains(&edge.0) && members.contains(&edge.1)
        };
        let uses = graph.iter().filter(inside).flat_map(|(_, uses)| uses.clone()).collect();
        Circle { folder: folder.to_owned(), members, uses }
    };
    groups.into_iter().map(describe).collect()
}

/// Every file below `folder`, with its module path. `main.rs` and `bin` are other crates.
fn read_folder(folder: &Path, module: &mut ModulePath, files: &mut BTreeMap<ModulePath, syn::File>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            if name != "bin" {
                module.push(name);
                read_folder(&path, module, files);
                module.pop();
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "main" {
            let mut module = module.clone();
            if name != "mod" && name != "lib" {
                module.push(name);
            }
            files.insert(module, super::parse(&path));
        }
    }
}

/// The file that defines what `path` names.
fn home_of(path: &[String], modules: &BTreeMap<ModulePath, Module>, hops: usize) -> ModulePath {
    let mut depth = 0;
    while depth < path.len() && modules.contains_key(&path[..=depth]) {
        depth += 1;
    }
    let (module, rest) = path.split_at(depth);
    let passed_on = rest.first().and_then(|name| modules[module].names.get(name));
    match passed_on {
        // Two modules that pass the same name to each other would not compile; sixteen hops are more than any name makes.
        Some(origin) if hops < 16 => home_of(&[origin, &rest[1..]].concat(), modules, hops + 1),
        _ => module.to_vec(),
    }
}

/// What one file uses of its crate.
struct Module {
    path: ModulePath,
    children: BTreeSet<String>,
    /// The names that `use` declarations bring into the file, with the whole path of each.
    names: BTreeMap<String, ModulePath>,
    uses: BTreeSet<ModulePath>,
}

impl Module {
    fn read(file: &syn::File, path: &[String], modules: &BTreeSet<ModulePath>) -> Module {
        let is_child = |other: &&ModulePath| other.len() == path.len() + 1 && other.starts_with(path);
        let children = modules.iter().filter(is_child).filter_map(|child| child.last().cloned()).collect();
        let mut module =
            Module { path: path.to_vec(), children, names: BTreeMap::new(), uses: BTreeSet::new() };
        module.visit_file(file);
        module
    }

    /// The path from the root of the crate; `None` for what is not of this crate.
    fn absolute(&self, segments: &[String]) -> Option<ModulePath> {
        let mut base = match segments.first()?.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.path.clone(),
            child if self.children.contains(child) => return Some([&self.path, segments].concat()),
            _ => return None,
        };
        let mut rest = segments;
        while let Some("crate" | "self" | "super") = rest.first().map(String::as_str) {
            if rest[0] == "super" {
                base.pop();
            }
            rest = &rest[1..];
        }
        Some([base, rest.to_vec()].concat())
    }

    fn note(&mut self, segments: &[String]) {
        // `self::x` and `Self` are of this file; a lone `crate` or `super` is a visibility.
        if segments.len() > 1
            && let Some(path) = self.absolute(segments)
        {
            self.uses.insert(path);
        }
    }

    fn note_declaration(&mut self, tree: &UseTree, before: &[String], is_passed_on: bool) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.note_declaration(&path.tree, &with(&path.ident), is_passed_on),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.note_declaration(tree, before, is_passed_on);
                }
            }
            UseTree::Name(name) if name.ident == "self" => {
                let name = before.last().cloned().unwrap_or_default();
                self.note_name(before, name, is_passed_on);
            }
            UseTree::Name(name) => self.note_name(&with(&name.ident), name.ident.to_string(), is_passed_on),
            UseTree::Rename(name) => {
                self.note_name(&with(&name.ident), name.rename.to_string(), is_passed_on);
            }
            UseTree::Glob(_) => self.note(&[before, &["*".to_owned()]].concat()),
        }
    }

    fn note_name(&mut self, segments: &[String], name: String, is_passed_on: bool) {
        let Some(path) = self.absolute(segments) else { return };
        if !is_passed_on {
            self.uses.insert(path.clone());
        }
        self.names.insert(name, path);
    }

    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.note(&std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                token => {
                    self.note(&std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = token {
                        self.note_tokens(group.stream());
                    }
                }
            }
        }
        self.note(&path);
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item(&mut self, item: &'ast Item) {
        if !super::is_of_tests(super::attributes(item)) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !super::is_of_tests(&function.attrs) {
            syn::visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, declaration: &'ast ItemUse) {
        let is_passed_on = !matches!(declaration.vis, Visibility::Inherited);
        self.note_declaration(&declaration.tree, &[], is_passed_on);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&segments);
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        self.note_tokens(called.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.note_tokens(list.tokens.clone());
        }
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
