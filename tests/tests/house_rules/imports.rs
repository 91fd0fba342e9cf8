//! What no file of some places may import, and how imports are read. Which room may know which: `rooms`.
//!
//! An import is a `use` item or a path in code; `self` and `super` are resolved first.

use super::Violation;
use super::source::Source;

/// Places, what they may not know, and why or what instead.
const BANS: &[(&[&str], &[&str], &str)] = &[
    (
        &["detectors/src"],
        &[
            "driftline",
            "std::fs",
            "std::net",
            "std::time",
            "std::thread",
            "std::env",
            "std::process",
        ],
        "the mathematics has no pipeline, I/O, clock or thread: take values as arguments",
    ),
    (
        &["detectors/src", "pipeline/src/engine", "pipeline/src/model"],
        &["rand", "rand_xoshiro", "rand_distr"],
        "the engine has no randomness: derive it from a hash of the input",
    ),
    (
        &["pipeline/src/engine", "pipeline/src/model"],
        &[
            "std::fs",
            "std::net",
            "std::time",
            "std::thread",
            "std::env",
            "std::process",
            "tokio",
            "rdkafka",
            "parquet",
            "clap",
            "indicatif",
            "crossbeam_channel",
        ],
        "the engine and its model have no I/O, clock or thread: the runtime calls them",
    ),
    (
        &["detectors/src", "pipeline/src", "benches/src/lib.rs"],
        &["anyhow"],
        "errors are typed (thiserror); anyhow is for the command line alone",
    ),
];

/// Where a ban does not hold: the command line may use anyhow.
const ANYHOW_PLACES: &[&str] = &["pipeline/src/cli", "pipeline/src/main"];

/// One imported path with its line, from 0.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) line: usize,
    pub(crate) path: String,
    /// By `pub use`: others find it here.
    pub(crate) passes_on: bool,
}

/// What a file imports, its tests aside.
pub(crate) fn of(source: &Source) -> Vec<Import> {
    let tested = |import: &Import| source.lines.get(import.line).is_some_and(|line| line.test);
    imports(source, &module_of(&source.path)).into_iter().filter(|import| !tested(import)).collect()
}

/// All imports that are banned. Tests may know what they need.
pub(crate) fn check(source: &Source, violations: &mut Vec<Violation>) {
    let mut add = |import: &Import, message: String| {
        violations.push(Violation::new(source, import.line, message));
    };
    for import in &of(source) {
        for (places, banned, why) in BANS {
            let excepted = *banned == ["anyhow"] && source.within(ANYHOW_PLACES);
            if source.within(places) && !excepted {
                for name in banned.iter().filter(|name| is_under(&import.path, name)) {
                    add(import, format!("imports `{name}`: {why}"));
                }
            }
        }
    }
}

fn is_under(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// `pipeline/src/engine/pane.rs` as `[pipeline, engine, pane]`. A crate in a crate's folder begins anew.
fn module_of(path: &str) -> Vec<String> {
    let path =
        path.strip_prefix("pipeline/").filter(|path| path.starts_with("rawbatch/")).unwrap_or(path);
    let parts = path.trim_end_matches(".rs").split('/');
    parts.filter(|part| !matches!(*part, "src" | "mod")).map(str::to_owned).collect()
}

fn imports(source: &Source, module: &[String]) -> Vec<Import> {
    let code = source.code();
    let mut found = Vec::new();
    let mut line = 0;
    let mut rest = code.as_str();
    while !rest.is_empty() {
        let is_start = |text: &str| text.starts_with("use ") || text.starts_with("pub use ");
        let (text, next) = match rest.split_once('\n') {
            Some((text, next)) => (text, next),
            None => (rest, ""),
        };
        let trimmed = text.trim_start();
        if is_start(trimmed) || trimmed.starts_with("pub(") && trimmed.contains(") use ") {
            let (item, after) = rest.split_once(';').unwrap_or((rest, ""));
            let tree = item.split_once("use ").map_or("", |(_, tree)| tree);
            let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
            let passes_on = trimmed.starts_with("pub");
            found.extend(expand(&tree).into_iter().map(|path| Import { line, path, passes_on }));
            line += item.matches('\n').count();
            rest = after;
        } else {
            let inline = |path| Import { line, path, passes_on: false };
            found.extend(inline_paths(text).into_iter().map(inline));
            line += 1;
            rest = next;
        }
    }
    for import in &mut found {
        import.path = resolve(&import.path, module);
    }
    found
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expand(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let tree = tree.split(" as ").next().filter(|_| !tree.contains('{')).unwrap_or(tree);
    let Some((prefix, group)) = tree.split_once('{') else {
        return if tree.is_empty() { Vec::new() } else { vec![tree.to_owned()] };
    };
    let group = group.strip_suffix('}').unwrap_or(group);
    let mut depth = 0;
    let parts = group.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let joined = |part: &str| format!("{prefix}{part}");
    parts
        .flat_map(|part| expand(part).iter().map(|part| joined(part)).collect::<Vec<_>>())
        .collect()
}

/// Paths of at least two segments in a line of code.
fn inline_paths(text: &str) -> Vec<String> {
    // Who may see an item is no import.
    let text = match text.trim_start().strip_prefix("pub(in ") {
        Some(rest) => rest.split_once(')').map_or(rest, |(_, item)| item),
        None => text,
    };
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| word.contains("::"))
        .map(str::to_owned)
        .collect()
}

fn resolve(path: &str, module: &[String]) -> String {
    let mut own = module.get(1..).unwrap_or_default();
    let mut rest = path.trim_start_matches("::");
    let mut relative = false;
    loop {
        if let Some(inner) = rest.strip_prefix("super::") {
            (own, rest, relative) = (own.split_last().map_or(&[][..], |(_, up)| up), inner, true);
        } else if let Some(inner) = rest.strip_prefix("self::") {
            (rest, relative) = (inner, true);
        } else {
            break;
        }
    }
    if !relative {
        return rest.to_owned();
    }
    let mut segments = vec!["crate".to_owned()];
    segments.extend(own.iter().cloned());
    segments.push(rest.to_owned());
    segments.join("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_relative_paths_are_resolved() {
        assert_eq!(
            expand("a::{b, c::{d, e as f}, self}"),
            ["a::b", "a::c::d", "a::c::e", "a::self"]
        );
        let module = module_of("pipeline/src/engine/pane.rs");
        assert_eq!(resolve("super::super::codec::json", &module), "crate::codec::json");
        assert_eq!(resolve("super::watermark", &module), "crate::engine::watermark");
        assert_eq!(module_of("pipeline/rawbatch/src/event.rs"), ["rawbatch", "event"]);
        let module = module_of("pipeline/src/engine/mod.rs");
        assert_eq!(resolve("super::codec", &module), "crate::codec");
    }
}
