//! Who imports whom: the files of a folder as a graph, read from their `use` items and paths.
//!
//! A node is a module, named by its path inside the crate (`lanes::slack`; a `mod.rs` by its folder). An
//! import of something that a module only passes on (`pub use`) leads to where it is defined, so a folder's
//! front door is no import of its own. Tests do not count: they may know what they need.

use std::collections::{BTreeMap, BTreeSet};

use super::imports;
use super::source::Source;

/// One import between two modules, with where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
    /// File, and line from 0.
    pub(crate) path: String,
    pub(crate) line: usize,
    /// The name that is imported; empty for a whole module.
    pub(crate) item: String,
}

/// The modules of one crate and the imports between them.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) modules: BTreeSet<String>,
    pub(crate) edges: Vec<Edge>,
}

/// A crate's sources by module, with what each passes on: a name, and the path where it is from.
struct Crate<'a> {
    sources: BTreeMap<String, &'a Source>,
    passed_on: BTreeMap<String, Vec<(String, String)>>,
}

impl Graph {
    /// The graph of a crate whose sources lie under `folder` (`detectors/src`).
    ///
    /// What one type's `impl` needs does not count: a file with `impl Engine` may import `Engine` from the
    /// file that defines it, although that file knows what this one defines.
    pub(crate) fn of(sources: &[Source], folder: &str) -> Self {
        let own =
            |source: &&Source| source.within(&[folder]) && source.lines.iter().any(|l| !l.test);
        let sources: BTreeMap<String, &Source> = sources
            .iter()
            .filter(own)
            .map(|source| (name_of(&source.path, folder), source))
            .collect();
        let mut of = Crate { sources, passed_on: BTreeMap::new() };
        of.passed_on =
            of.sources.iter().map(|(name, s)| (name.clone(), of.doors(name, s))).collect();
        let edges = of.sources.iter().flat_map(|(name, source)| of.edges(name, source)).collect();
        Self { modules: of.sources.keys().cloned().collect(), edges }
    }

    /// The graph with each module under its name by `group`; imports within a group are gone.
    pub(crate) fn grouped(
        &self,
        group: impl Fn(&str) -> Option<String>,
    ) -> BTreeMap<String, BTreeSet<String>> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for module in self.modules.iter().filter_map(|module| group(module)) {
            all.entry(module).or_default();
        }
        for edge in &self.edges {
            if let (Some(from), Some(to)) = (group(&edge.from), group(&edge.to))
                && from != to
            {
                all.entry(from).or_default().insert(to);
            }
        }
        all
    }

    /// Modules that import each other in a circle; each circle once, in order.
    pub(crate) fn circles(&self) -> Vec<Vec<String>> {
        let all = self.grouped(|module| Some(module.to_owned()));
        let reach: BTreeMap<&str, BTreeSet<&str>> =
            all.keys().map(|module| (module.as_str(), reachable(&all, module))).collect();
        let mut circles: Vec<Vec<String>> = Vec::new();
        for (module, reached) in &reach {
            let back = |other: &&str| reach.get(*other).is_some_and(|of| of.contains(module));
            let circle: Vec<String> =
                reached.iter().copied().filter(|other| back(other)).map(str::to_owned).collect();
            if reached.contains(module) && !circles.contains(&circle) {
                circles.push(circle);
            }
        }
        circles
    }

    /// The imports between modules of a circle.
    pub(crate) fn within(&self, circle: &[String]) -> impl Iterator<Item = &Edge> {
        let circle: BTreeSet<String> = circle.iter().cloned().collect();
        self.edges.iter().filter(move |e| circle.contains(&e.from) && circle.contains(&e.to))
    }
}

fn reachable<'a>(all: &'a BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<&'a str> {
    let next = |of: &str| all.get(of).into_iter().flatten().map(String::as_str);
    let (mut seen, mut open) = (BTreeSet::new(), next(from).collect::<Vec<_>>());
    while let Some(module) = open.pop() {
        if seen.insert(module) {
            open.extend(next(module));
        }
    }
    seen
}

impl Crate<'_> {
    fn edges(&self, name: &str, source: &Source) -> Vec<Edge> {
        let mut edges = Vec::new();
        for import in imports::of(source) {
            let Some((to, item)) = self.home(&self.absolute(name, &import.path), 0) else {
                continue;
            };
            if to != name && !import.passes_on && !extends(source, &item) {
                let (from, path) = (name.to_owned(), source.path.clone());
                edges.push(Edge { from, to, path, line: import.line, item });
            }
        }
        edges
    }

    /// What a file passes on by `pub use`: the name, and where it is from.
    fn doors(&self, name: &str, source: &Source) -> Vec<(String, String)> {
        let passed = imports::of(source).into_iter().filter(|import| import.passes_on);
        let last = |path: &str| path.rsplit("::").next().unwrap_or_default().to_owned();
        passed.map(|i| (last(&i.path), self.absolute(name, &i.path))).collect()
    }

    /// A path from the root of the crate; one that begins with a module's own child is below the module.
    fn absolute(&self, module: &str, path: &str) -> String {
        let first = path.split("::").next().unwrap_or_default();
        let child = [module, first].into_iter().filter(|part| !part.is_empty());
        match self.sources.contains_key(&child.collect::<Vec<_>>().join("::")) && first != "crate" {
            true if module.is_empty() => format!("crate::{path}"),
            true => format!("crate::{module}::{path}"),
            false => path.to_owned(),
        }
    }

    /// The module in which what a path names is defined, and its name there.
    fn home(&self, path: &str, depth: usize) -> Option<(String, String)> {
        let inner = path.strip_prefix("crate")?.trim_start_matches("::");
        let parts: Vec<&str> = inner.split("::").filter(|part| !part.is_empty()).collect();
        let known = |length: &usize| self.sources.contains_key(&parts[..*length].join("::"));
        let length = (0..=parts.len()).rev().find(known)?;
        let (module, item) = (parts[..length].join("::"), parts.get(length).copied().unwrap_or(""));
        let passed = self.passed_on.get(&module).into_iter().flatten();
        match passed.into_iter().find(|(name, _)| name == item) {
            // A chain of doors ends somewhere.
            Some((_, from)) if depth < 8 => self.home(from, depth + 1),
            _ => Some((module, item.to_owned())),
        }
    }
}

/// `detectors/src/lanes/mod.rs` as `lanes`, `detectors/src/lib.rs` as nothing.
fn name_of(path: &str, folder: &str) -> String {
    let inner =
        path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/').trim_end_matches(".rs");
    let parts = inner.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main"));
    parts.collect::<Vec<_>>().join("::")
}

/// Whether the file has an inherent `impl` of a type of this name.
fn extends(source: &Source, item: &str) -> bool {
    !item.is_empty()
        && source.lines.iter().filter(|line| !line.test).any(|line| {
            let code = line.code.trim_start();
            let of = code.strip_prefix("impl").filter(|_| !code.contains(" for ")).unwrap_or("");
            let of = of.split_once("> ").map_or(of, |(_, of)| of).trim_start();
            let name: String =
                of.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            name == item
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(files: &[(&str, &str)]) -> Graph {
        let sources: Vec<Source> =
            files.iter().map(|(path, text)| Source::new(&format!("a/src/{path}"), text)).collect();
        Graph::of(&sources, "a/src")
    }

    #[test]
    fn a_circle_is_found_through_a_door_and_not_in_tests() {
        let lib = ("lib.rs", "pub mod up;\npub mod down;");
        let door = ("up/mod.rs", "mod inner;\npub use inner::Thing;");
        let inner = ("up/inner.rs", "use crate::down::Other;\npub struct Thing;");
        let down = ("down.rs", "use crate::up::Thing;\npub struct Other;");
        let found = graph(&[lib, door, inner, down]);
        assert_eq!(found.circles(), [["down", "up::inner"]]);
        let circle = &found.circles()[0];
        let lines: Vec<String> =
            found.within(circle).map(|e| format!("{}:{} {}", e.path, e.line, e.item)).collect();
        assert_eq!(lines, ["a/src/down.rs:0 Thing", "a/src/up/inner.rs:0 Other"]);
        let test =
            ("down.rs", "#[cfg(test)]\nmod tests {\n    use crate::up::Thing;\n}\nfn f() {}");
        assert!(graph(&[lib, door, inner, test]).circles().is_empty());
    }

    #[test]
    fn an_impl_may_know_its_type_and_nothing_else_of_its_file() {
        let root =
            ("engine.rs", "use crate::part::Part;\npub struct Engine(Part);\npub fn free() {}");
        let own = ("part.rs", "use crate::engine::Engine;\npub struct Part;\nimpl Engine {\n}");
        assert!(graph(&[root, own]).circles().is_empty());
        let more =
            ("part.rs", "use crate::engine::{Engine, free};\npub struct Part;\nimpl Engine {\n}");
        assert_eq!(graph(&[root, more]).circles().len(), 1);
        let user = ("part.rs", "use crate::engine::Engine;\nimpl From<Engine> for Part {}");
        assert_eq!(graph(&[root, user]).circles().len(), 1);
        let generic = ("part.rs", "use crate::engine::Engine;\nimpl<'a> Engine<'a> {\n}");
        assert!(graph(&[root, generic]).circles().is_empty());
    }

    #[test]
    fn folders_are_drawn_without_what_is_within() {
        let found = graph(&[
            ("lib.rs", ""),
            ("up/mod.rs", "use crate::down::low::Low;"),
            ("up/side.rs", "use super::Up;"),
            ("down/low.rs", "pub struct Low;"),
        ]);
        let all = found.grouped(|module| module.split("::").next().map(str::to_owned));
        assert_eq!(all["up"], BTreeSet::from(["down".to_owned()]));
        assert!(all["down"].is_empty());
    }
}
