//! The house rules as a test: every source file and document is read once, each breach is one line
//! `path:line: message`.
//!
//! The rules stand in the tables of `rooms`, `imports`, `rules`, `documents` and `changelog`; what they
//! must flag stands below.

mod changelog;
mod documents;
mod graph;
mod imports;
mod manifests;
mod map;
mod rooms;
mod rules;
mod source;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use graph::Graph;
use source::Source;

/// One breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    path: String,
    /// From 0.
    line: usize,
    message: String,
}

impl Violation {
    fn new(source: &Source, line: usize, message: impl Into<String>) -> Self {
        Self::at(&source.path, line, message)
    }

    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line + 1, self.message)
    }
}

/// The page that shows the maps.
const PAGE: &str = "ARCHITECTURE.md";
/// Folders (and, in a worktree, a file) that hold no text of ours.
const FOREIGN: &[&str] = &["target", ".git", "node_modules"];
/// Files of text that are checked for places and hosts.
const TEXTS: &[&str] = &["rs", "md", "toml", "json", "yaml", "yml", "sh", "proto", "html"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All files of the repository, by path from its root, in order.
fn files(folder: &Path, prefix: &str, found: &mut Vec<(String, PathBuf)>) {
    let entries = fs::read_dir(folder).expect("the repository can be read");
    let mut entries: Vec<_> = entries.map(|entry| entry.expect("an entry")).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        match entry.path().is_dir() {
            _ if FOREIGN.contains(&name.as_str()) => {}
            true => files(&entry.path(), &format!("{path}/"), found),
            false => found.push((path, entry.path())),
        }
    }
}

fn check_source(source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    rules::check(source, &mut violations);
    imports::check(source, &mut violations);
    violations
}

/// Folders whose files import each other in no circle, by crate.
const WITHOUT_CIRCLES: &[(&str, &[&str])] = &[("detectors/src", &[""]), ("pipeline/src", &[""])];

/// The maps, the circles, and the page that shows both.
fn check_rooms(sources: &[Source], root: &Path, violations: &mut Vec<Violation>) {
    let page_place = root.join(PAGE);
    let page = fs::read_to_string(&page_place).expect("ARCHITECTURE.md can be read");
    let mut new = page.clone();
    for map in rooms::MAPS {
        map.check(&Graph::of(sources, map.sources), violations);
        match map.written_into(&new) {
            Some(written) => new = written,
            None => violations.push(Violation::at(PAGE, 0, format!("has no map of {}", map.name))),
        }
    }
    if new != page && std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&page_place, &new).expect("ARCHITECTURE.md can be written");
    } else if new != page {
        let message = "its maps are not those of the test: write them anew with `just bless`";
        violations.push(Violation::at(PAGE, 0, message));
    }
    for (folder, places) in WITHOUT_CIRCLES {
        let graph = Graph::of(sources, folder);
        for circle in graph.circles() {
            let is_in = |module: &String, place: &str| {
                let rest = module.strip_prefix(place);
                rest.is_some_and(|r| place.is_empty() || r.is_empty() || r.starts_with("::"))
            };
            let inside = |place: &&str| circle.iter().all(|module| is_in(module, place));
            if places.iter().any(inside) {
                let count = circle.len();
                violations.extend(graph.within(&circle).map(|edge| {
                    let message = format!(
                        "`{}` imports `{}` from `{}`, in a circle of {count} files: move what both need below them",
                        edge.from, edge.item, edge.to
                    );
                    Violation::at(&edge.path, edge.line, message)
                }));
            }
        }
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "the median is worth a line of the test's output")]
fn the_house_is_in_order() {
    let root = root();
    let mut found = Vec::new();
    files(&root, "", &mut found);
    let command = driftline::cli::command();
    let mut violations = Vec::new();
    let mut sources = Vec::new();
    for (path, place) in &found {
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        // A file without an extension may be a script.
        if !TEXTS.contains(&extension) && path.contains('.') && !path.starts_with('.') {
            continue;
        }
        let Ok(text) = fs::read_to_string(place) else { continue };
        documents::check_places(path, &text, &mut violations);
        changelog::check(path, &text, &mut violations);
        match extension {
            "rs" => {
                let source = Source::new(path, &text);
                violations.extend(check_source(&source));
                sources.push(source);
            }
            "md" => documents::check_commands(path, &text, &root, &command, &mut violations),
            "toml" => manifests::check(path, &text, &root, &mut violations),
            _ => {}
        }
    }
    check_rooms(&sources, &root, &mut violations);
    let mut sizes: Vec<usize> = sources.iter().map(|source| source.lines.len()).collect();
    sizes.sort_unstable();
    assert!(sizes.len() > 20, "only {} source files were found", sizes.len());
    let median = sizes[sizes.len() / 2];
    println!("{} source files, median {median} lines, longest {:?}", sizes.len(), sizes.last());
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} breaches:\n{}", lines.len(), lines.join("\n"));
}

/// Path of a file, its text below the module docs, and a part of the message, or none where it is fine.
const CASES: &[(&str, &str, Option<&str>)] = &[
    ("detectors/src/a.rs", "use std::fs::File;", Some("no pipeline, I/O")),
    ("detectors/src/a.rs", "use std::{fmt, time::Duration};", Some("`std::time`")),
    ("detectors/src/a.rs", "fn f() { std::thread::yield_now() }", Some("`std::thread`")),
    ("detectors/src/a.rs", "use driftline::model::Batch;", Some("`driftline`")),
    ("detectors/src/a.rs", "use driftline_detectors::lanes;", None),
    ("detectors/src/a.rs", "use rand_xoshiro::Xoshiro256PlusPlus;", Some("no randomness")),
    ("pipeline/src/engine/a.rs", "use super::pane::Pane;\nuse crate::model::Batch;", None),
    ("pipeline/src/engine/a.rs", "use tokio::sync::mpsc;", Some("`tokio`")),
    ("pipeline/src/codec/a.rs", "use anyhow::Context;", Some("errors are typed")),
    ("pipeline/src/cli/a.rs", "use anyhow::Context;\nuse crate::engine::Step;", None),
    ("pipeline/src/engine/a.rs", "fn f() { SystemTime::now(); }", Some("event time")),
    ("pipeline/src/runtime/a.rs", "fn f() { Instant::now(); }", None),
    ("pipeline/src/sink/a.rs", "fn f() { let r = rand::rng(); }", Some("seeded")),
    ("pipeline/src/sink/a.rs", "fn f() { let (a, b) = unbounded(); }", Some("bounded channel")),
    ("pipeline/src/sink/a.rs", "fn f() { g().unwrap(); }", Some("typed error")),
    ("pipeline/src/sink/a.rs", "fn f() { g().unwrap_or(1); } // not .unwrap()", None),
    ("pipeline/src/sink/a.rs", "#[test]\nfn f() {\n    g().unwrap();\n}", None),
    ("pipeline/src/sink/a.rs", "fn f() { eprintln!(\"x\"); }", Some("Terminal")),
    ("pipeline/src/cli/a.rs", "fn f() { println!(\"x\"); }", None),
    ("detectors/src/a.rs", "fn f(x: f64) -> f64 { x.ln() }", Some("libm::log")),
    ("detectors/src/a.rs", "fn f(x: f64) -> f64 { f64::exp(x) }", Some("libm::exp")),
    ("detectors/src/a.rs", "fn f(x: f64) -> f64 { x.sqrt() }", None),
    ("detectors/src/a.rs", "fn f() {} // the text x.ln() is fine", None),
    ("detectors/src/a.rs", concat!("fn f() { to", "do!() }"), Some("finish it")),
    ("detectors/src/a.rs", concat!("// FIX", "ME: later"), Some("mend it")),
    ("detectors/src/a.rs", concat!("#[ig", "nore = \"slow\"]"), Some("runs or goes")),
    ("pipeline/src/sink/a.rs", "struct RowData;", Some("says nothing")),
    ("pipeline/src/sink/a.rs", "enum Helper {}", Some("says nothing")),
    ("pipeline/src/sink/a.rs", "struct Dataset;\nfn f(x: &DataType) {}", None),
    ("pipeline/src/sink/row_util.rs", "struct Row;", Some("say what of")),
    (
        "pipeline/src/engine/a.rs",
        "fn f(x: &S) {\n    let seen: HashMap<u8, u8> = g();\n    for (k, v) in &seen {}\n}",
        Some("no fixed order"),
    ),
    (
        "detectors/src/a.rs",
        "struct S {\n    seen: HashSet<u8>,\n}\nfn f(s: &S) {\n    s.seen.iter().min();\n}",
        Some("no fixed order"),
    ),
    (
        "detectors/src/a.rs",
        "struct S {\n    seen: HashSet<u8>,\n}\nfn f(s: &S) {\n    // any order: a sum\n    \
         s.seen.iter().sum()\n}",
        None,
    ),
];

#[test]
fn each_rule_flags_what_it_must_and_nothing_else() {
    for (path, text, expected) in CASES {
        let source = Source::new(path, &format!("//! Docs.\n{text}\n"));
        let messages: Vec<String> = check_source(&source).iter().map(|v| v.to_string()).collect();
        match expected {
            None => assert!(messages.is_empty(), "{text}: {messages:?}"),
            Some(part) => assert!(
                messages.iter().any(|m| m.contains(part) && m.starts_with(&format!("{path}:"))),
                "{text}: {messages:?}"
            ),
        }
    }
}

/// Path of a file, its text, and a part of the message that the map of the pipeline has for it.
const ARROWS: &[(&str, &str, &str)] = &[
    ("pipeline/src/engine/a.rs", "use crate::codec::json;", "turn the arrow round"),
    ("pipeline/src/engine/a.rs", "use crate::{\n    model::Batch,\n    sink,\n};", "`sink`"),
    ("pipeline/src/engine/a.rs", "use super::super::config::Files;", "`config`"),
    ("pipeline/src/engine/a.rs", "fn f() { crate::runtime::go() }", "`runtime`"),
    ("pipeline/src/model/a.rs", "use crate::engine::Step;", "pipeline: nothing"),
    ("pipeline/src/codec/a.rs", "use crate::engine::Step;", "turn the arrow round"),
    ("pipeline/src/gadgets/a.rs", "use crate::model::Batch;", "has no row"),
];

#[test]
fn an_arrow_that_goes_up_is_flagged() {
    let map = rooms::MAPS.iter().find(|map| map.name == "pipeline").expect("there is one");
    let empty = |room: &map::Room| {
        Source::new(&format!("pipeline/src/{}/mod.rs", room.name), "//! Docs.\nfn f() {}\n")
    };
    for (path, text, expected) in ARROWS {
        let mut sources: Vec<Source> = map.rooms.iter().map(empty).collect();
        sources.push(Source::new(path, &format!("//! Docs.\n{text}\n")));
        let mut violations = Vec::new();
        map.check(&Graph::of(&sources, map.sources), &mut violations);
        let messages: Vec<String> = violations.iter().map(ToString::to_string).collect();
        assert!(messages.iter().any(|m| m.contains(expected)), "{text}: {messages:?}");
    }
}

#[test]
fn docs_and_sizes_are_checked() {
    let breach = |text: &str| {
        let found = check_source(&Source::new("detectors/src/a.rs", text));
        found.first().map(|violation| violation.to_string())
    };
    assert!(breach("fn f() {}\n").is_some_and(|m| m.contains("begins without")));
    assert!(breach("//! Docs.\nfn f() {}\n").is_none());
    let lines = |count: usize| "//! Docs.\n".to_owned() + &"fn f() {}\n".repeat(count - 1);
    assert!(breach(&lines(rules::FILE_LINES_MAX)).is_none());
    assert!(breach(&lines(rules::FILE_LINES_MAX + 1)).is_some_and(|m| m.contains("split at")));
    let lines = |count: usize| {
        format!("//! Docs.\npub(crate) fn f(x: [u8; 3]) {{\n{}}}\n", "    g();\n".repeat(count - 2))
    };
    assert!(breach(&lines(rules::FUNCTION_LINES_MAX)).is_none());
    let long = breach(&lines(rules::FUNCTION_LINES_MAX + 1)).expect("it is too long");
    assert!(long.starts_with("detectors/src/a.rs:2: `f` has 71 lines"), "{long}");
    let long = format!("//! Docs.\n// {}\n", "word ".repeat(30));
    assert!(breach(&long).is_some_and(|m| m.starts_with("detectors/src/a.rs:2: longer than 100")));
    let long = format!(
        "//! Docs.
fn f(a: {}u8{}) {{}}
",
        "Vec<".repeat(25),
        ">".repeat(25)
    );
    assert!(breach(&long).is_some_and(|m| m.starts_with("detectors/src/a.rs:2: longer than 100")));
    assert!(breach(&format!("//! Docs.\nconst A: &str = \"{}\";\n", "x".repeat(200))).is_none());
}

#[test]
fn places_and_commands_are_checked() {
    let mut violations = Vec::new();
    documents::check_places("a.md", concat!("see /tm", "p/x\nfine\n"), &mut violations);
    assert_eq!(violations.len(), 1);
    let breaches = |text: &str| {
        let mut violations = Vec::new();
        let command = driftline::cli::command();
        documents::check_commands("a.md", text, &root(), &command, &mut violations);
        violations.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(breaches("Run `driftline generate --out x`, then `cargo test`.").is_empty());
    assert!(breaches("```\ncargo run --release -- demo\n```\n").is_empty());
    assert_eq!(breaches("```\n$ driftline fly\n```\n"), ["a.md:2: `driftline fly` does not exist"]);
    assert_eq!(
        breaches("`driftline generate --speed 9`"),
        ["a.md:1: `driftline generate` has no option --speed"]
    );
    assert_eq!(breaches("    driftline fly --high\n").len(), 1);
    assert_eq!(breaches("`./no-such-script`"), ["a.md:1: `./no-such-script` does not exist"]);
    assert!(breaches("`just fast`, `just bench replay`").is_empty());
    assert_eq!(breaches("`just fly`"), ["a.md:1: `just fly` is no recipe of the justfile"]);
}
