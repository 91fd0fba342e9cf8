//! Rules on `changelog.d`: what a user gets by one change is one file, `added`, `changed`, `fixed`,
//! `removed` or `security` on its first line, then one paragraph in whole sentences.
//!
//! `just changelog` makes a section of a release of them, which is why they have one form.

use super::Violation;

/// What a change can be, in the order in which releases list them.
const KINDS: &[&str] = &["added", "changed", "fixed", "removed", "security"];
/// More is documentation, and belongs there.
const TEXT_BYTES_MAX: usize = 600;

/// Checks the changelog, or a fragment of it; other files are none of its business.
pub(crate) fn check(path: &str, text: &str, violations: &mut Vec<Violation>) {
    let mut add = |line: usize, message: &str| violations.push(Violation::at(path, line, message));
    if path == "CHANGELOG.md" {
        if let Some(line) = text.lines().position(|line| line.contains("Unreleased")) {
            add(line, "what no release has yet is a file in changelog.d");
        }
        return;
    }
    let Some(name) = path.strip_prefix("changelog.d/") else { return };
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.strip_suffix(".md").is_some_and(|name| name.chars().all(is_plain)) {
        add(0, "name it by what changed: small letters and hyphens, `.md`");
    }
    let (kind, rest) = text.split_once('\n').unwrap_or((text, ""));
    if !KINDS.contains(&kind) {
        add(0, &format!("the first line is one of: {}", KINDS.join(", ")));
    }
    let Some(body) = rest.strip_prefix('\n') else {
        return add(1, "an empty line, then what a user gets, in whole sentences");
    };
    if body.trim().is_empty() || body.trim_end().contains("\n\n") || body.contains("\n- ") {
        add(2, "one paragraph: two changes are two files");
    }
    if !body.trim_end().ends_with(['.', ')', '`']) {
        add(2, "whole sentences, with a full stop");
    }
    if body.len() > TEXT_BYTES_MAX {
        add(
            2,
            &format!("{} bytes, at most {TEXT_BYTES_MAX}: the rest is documentation", body.len()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        let mut violations = Vec::new();
        check(path, text, &mut violations);
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn fragments_have_one_form() {
        assert!(faults("changelog.d/a-sink.md", "added\n\nA sink: `http`.\n").is_empty());
        assert!(faults("docs/a.md", "no fragment").is_empty());
        for (path, text, part) in [
            ("changelog.d/A Sink.md", "added\n\nA sink.\n", "small letters"),
            ("changelog.d/a.txt", "added\n\nA sink.\n", ".md"),
            ("changelog.d/a.md", "new\n\nA sink.\n", "one of: added, changed"),
            ("changelog.d/a.md", "added\nA sink.\n", "an empty line"),
            ("changelog.d/a.md", "added\n\n\n", "one paragraph"),
            ("changelog.d/a.md", "added\n\nA sink.\n\nA codec.\n", "one paragraph"),
            ("changelog.d/a.md", "added\n\na sink\n", "full stop"),
            ("CHANGELOG.md", "# Changelog\n\n## Unreleased\n", "changelog.d"),
        ] {
            let found = faults(path, text);
            assert!(found.iter().any(|fault| fault.contains(part)), "{path}, {text:?}: {found:?}");
        }
        let long = format!("added\n\n{}.\n", "word ".repeat(200));
        assert!(faults("changelog.d/a.md", &long)[0].contains("at most 600"));
    }
}
