//! A rule on manifests: a program with `test = false` has no tests, since nothing would run them.

use std::fs;
use std::path::{Path, PathBuf};

use super::Violation;

/// Checks a `Cargo.toml`. `root` is the repository.
pub(crate) fn check(path: &str, text: &str, root: &Path, violations: &mut Vec<Violation>) {
    let Some(folder) = path.strip_suffix("Cargo.toml") else { return };
    for program in untested(text) {
        for file in sources(&root.join(folder).join(&program)) {
            let text = fs::read_to_string(&file).unwrap_or_default();
            if let Some(line) = text.lines().position(|line| line.trim() == "#[test]") {
                let file = file.strip_prefix(root).unwrap_or(&file).display().to_string();
                let message = format!("never runs: {path} says `test = false` of this program");
                violations.push(Violation::at(&file, line, message));
            }
        }
    }
}

/// The paths of programs with `test = false`.
fn untested(text: &str) -> Vec<String> {
    let sections = text.split("[[bin]]").skip(1);
    let sections = sections.map(|rest| rest.split("\n[").next().unwrap_or_default());
    let untested = sections.filter(|section| section.contains("\ntest = false"));
    let path =
        |section: &str| Some(section.split("\npath = \"").nth(1)?.split('"').next()?.to_owned());
    untested.filter_map(path).collect()
}

/// The file of a program, and those of its folder where it is a `main.rs` in one of its own.
fn sources(main: &Path) -> Vec<PathBuf> {
    let own = main.ends_with("main.rs") && !main.ends_with("src/main.rs");
    let entries = main.parent().filter(|_| own).and_then(|folder| fs::read_dir(folder).ok());
    let beside = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    beside.filter(|path| path.is_file()).chain((!own).then(|| main.to_path_buf())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_never_runs_is_found() {
        let root = tempfile::tempdir().expect("a folder");
        let manifest = "[package]\nname = \"a\"\n\n[[bin]]\nname = \"b\"\npath = \"src/bin/b.rs\"\ntest = false\n\n\
                        [[bin]]\nname = \"c\"\npath = \"src/bin/c/main.rs\"\ntest = false # none\n\n\
                        [[bin]]\nname = \"d\"\npath = \"src/bin/d.rs\"\n\n[lints]\nworkspace = true\n";
        fs::create_dir_all(root.path().join("a/src/bin/c")).expect("a folder");
        let write = |path: &str, text: &str| {
            fs::write(root.path().join("a/src/bin").join(path), text).expect("a file");
        };
        for path in ["b.rs", "c/main.rs", "c/part.rs"] {
            write(path, "fn main() {}\n");
        }
        write("d.rs", "#[test]\nfn runs() {}\n");
        let found = || {
            let mut violations = Vec::new();
            check("a/Cargo.toml", manifest, root.path(), &mut violations);
            violations.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(found(), Vec::<String>::new());
        write("b.rs", "fn main() {}\n#[test]\nfn f() {}\n");
        write("c/part.rs", "#[test]\nfn f() {}\n");
        let message = "never runs: a/Cargo.toml says `test = false` of this program";
        assert_eq!(
            found(),
            [format!("a/src/bin/b.rs:2: {message}"), format!("a/src/bin/c/part.rs:1: {message}")]
        );
    }
}
