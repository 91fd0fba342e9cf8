//! Rules on everything that is text: no place or host of one machine; and commands in documents exist.
//!
//! A command is `driftline ..`, `cargo run .. -- ..`, `just ..` or `./script`, in a block of code (fenced,
//! or four spaces in) or a code span.

use std::path::Path;

use super::Violation;

/// What no file may name, and why. In parts, for this file is checked as well.
const PLACES: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine: use a path relative to the repository"),
    (concat!("/tm", "p/"), "a path of one machine: use a temporary folder"),
    (concat!("/ro", "ot/"), "a path of one machine: use a path relative to the repository"),
    (concat!("/ho", "me/"), "a path of one machine: use a path relative to the repository"),
    (concat!("crates", ".io"), "a registry's host: `cargo` knows it"),
    (concat!("registry.npm", "js.org"), "a registry's host: the client knows it"),
    (concat!("pypi", ".org"), "a registry's host: the client knows it"),
];

/// Checks any text file.
pub(crate) fn check_places(path: &str, text: &str, violations: &mut Vec<Violation>) {
    for (at, line) in text.lines().enumerate() {
        for (place, why) in PLACES {
            if line.contains(place) {
                violations.push(Violation::at(path, at, format!("`{place}`: {why}")));
            }
        }
    }
}

/// Checks the commands of a Markdown file. `root` is the repository.
pub(crate) fn check_commands(
    path: &str,
    text: &str,
    root: &Path,
    driftline: &clap::Command,
    violations: &mut Vec<Violation>,
) {
    let mut fenced = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let block = fenced || line.starts_with("    ") && !line.contains('`');
        let commands: Vec<&str> =
            if block { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        for command in commands {
            if let Some(problem) = problem(command, root, driftline) {
                violations.push(Violation::at(path, at, problem));
            }
        }
    }
}

fn problem(command: &str, root: &Path, driftline: &clap::Command) -> Option<String> {
    let command = command.split(" #").next().unwrap_or_default();
    let words: Vec<&str> = command.trim_start_matches(['$', ' ']).split_whitespace().collect();
    let arguments = match words.as_slice() {
        ["driftline", arguments @ ..] => arguments,
        ["cargo", "run", rest @ ..] if !rest.iter().any(|w| matches!(*w, "-p" | "--bin")) => {
            rest.split(|word| *word == "--").nth(1)?
        }
        [script, ..] if script.starts_with("./") && !script.contains('*') => {
            let exists = root.join(script).exists();
            return (!exists).then(|| format!("`{script}` does not exist"));
        }
        ["just", recipe, ..] => {
            let recipes = std::fs::read_to_string(root.join("justfile")).unwrap_or_default();
            let named = |line: &str| line.split([' ', ':']).next() == Some(recipe);
            let exists = recipes.lines().any(|line| line.contains(':') && named(line));
            return (!exists).then(|| format!("`just {recipe}` is no recipe of the justfile"));
        }
        _ => return None,
    };
    let name = arguments.iter().find(|word| word.chars().all(|c| c.is_ascii_lowercase()))?;
    let Some(called) = driftline.find_subcommand(name) else {
        return Some(format!("`driftline {name}` does not exist"));
    };
    let flags = arguments.iter().filter_map(|word| word.strip_prefix("--"));
    let known = |flag: &str| {
        let own = called.get_subcommands().flat_map(clap::Command::get_arguments);
        let all = called.get_arguments().chain(driftline.get_arguments()).chain(own);
        all.into_iter().any(|argument| argument.get_long() == Some(flag))
    };
    flags
        .map(|flag| flag.split('=').next().unwrap_or_default())
        .find(|flag| !flag.is_empty() && *flag != "help" && !known(flag))
        .map(|flag| format!("`driftline {name}` has no option --{flag}"))
}
