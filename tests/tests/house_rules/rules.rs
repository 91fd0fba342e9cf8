//! Rules on lines and names, as tables: what is banned, where, and what to write instead.
//!
//! A pattern matches blanked code, so neither a comment nor a string can break a rule of code. Patterns
//! that this folder must spell are put together from parts.

use super::Violation;
use super::source::Source;

/// Longest file, in lines.
pub(crate) const FILE_LINES_MAX: usize = 600;
/// Longest function, in lines from its name to its closing brace.
pub(crate) const FUNCTION_LINES_MAX: usize = 70;
/// Longest line of code, as rustfmt.toml says.
const CODE_CHARS_MAX: usize = 100;
/// Longest line of prose, which rustfmt leaves as it is: a little more than code.
const PROSE_CHARS_MAX: usize = 110;

const ENGINE: &[&str] = &["detectors/src", "pipeline/src/engine", "pipeline/src/model"];
const PURE: &[&str] = &[
    "detectors/src",
    "pipeline/src/engine",
    "pipeline/src/model",
    "pipeline/src/codec",
    "pipeline/src/synth",
    "pipeline/src/config",
];
const LIBRARIES: &[&str] = &["detectors/src", "pipeline/src"];
const EVERYWHERE: &[&str] = &["detectors/src", "pipeline/src", "benches", "tests/src"];
const DETECTORS: &[&str] = &["detectors/src"];

/// Where printing is the work.
const PRINTERS: &[&str] = &["pipeline/src/cli"];

/// Pattern in code, where it is banned, and the replacement. Tests are free of these.
const CALLS: &[(&str, &[&str], &str)] = &[
    ("SystemTime::now", PURE, "take the time as an argument: event time is the only clock"),
    ("Instant::now", PURE, "take the time as an argument: event time is the only clock"),
    ("Utc::now", PURE, "take the time as an argument: event time is the only clock"),
    ("thread_rng", EVERYWHERE, "use a seeded Xoshiro256PlusPlus and say its seed"),
    ("rand::rng(", EVERYWHERE, "use a seeded Xoshiro256PlusPlus and say its seed"),
    ("from_os_rng", EVERYWHERE, "use a seeded Xoshiro256PlusPlus and say its seed"),
    ("unbounded(", EVERYWHERE, "use a bounded channel, its length from model::Limits"),
    ("unbounded_channel", EVERYWHERE, "use a bounded channel, its length from model::Limits"),
    ("mpsc::channel(", EVERYWHERE, "use a bounded channel, its length from model::Limits"),
    (".unwrap()", EVERYWHERE, "return a typed error, or `expect` with the reason it cannot fail"),
    ("println!", LIBRARIES, "write to a sink, or say it in cli through Terminal"),
    ("print!", LIBRARIES, "write to a sink, or say it in cli through Terminal"),
    ("eprintln!", LIBRARIES, "write to a sink, or say it in cli through Terminal"),
    ("eprint!", LIBRARIES, "write to a sink, or say it in cli through Terminal"),
    (".exp()", DETECTORS, "use libm::exp: the same bits on every platform"),
    (".exp_m1()", DETECTORS, "use libm::expm1: the same bits on every platform"),
    (".ln()", DETECTORS, "use libm::log: the same bits on every platform"),
    (".ln_1p()", DETECTORS, "use libm::log1p: the same bits on every platform"),
    (".log2()", DETECTORS, "use libm::log2: the same bits on every platform"),
    (".log10()", DETECTORS, "use libm::log10: the same bits on every platform"),
    (".powf(", DETECTORS, "use libm::pow: the same bits on every platform"),
    (".powi(", DETECTORS, "multiply, or use libm::pow: the same bits on every platform"),
    (".sin()", DETECTORS, "use libm::sin: the same bits on every platform"),
    (".cos()", DETECTORS, "use libm::cos: the same bits on every platform"),
    (".tanh()", DETECTORS, "use libm::tanh: the same bits on every platform"),
    (".cbrt()", DETECTORS, "use libm::cbrt: the same bits on every platform"),
    ("f64::exp", DETECTORS, "use libm::exp: the same bits on every platform"),
    ("f64::ln", DETECTORS, "use libm::log: the same bits on every platform"),
    ("f64::powf", DETECTORS, "use libm::pow: the same bits on every platform"),
    ("f64::powi", DETECTORS, "multiply, or use libm::pow: the same bits on every platform"),
    ("f64::sin", DETECTORS, "use libm::sin: the same bits on every platform"),
    ("f64::cos", DETECTORS, "use libm::cos: the same bits on every platform"),
];

/// Markers of unfinished work, anywhere in a source file, tests and comments included.
const MARKERS: &[(&str, &str)] = &[
    (concat!("to", "do!"), "finish it, or leave it out and say so"),
    (concat!("unimpl", "emented!"), "finish it, or leave it out and say so"),
    (concat!("db", "g!("), "remove it"),
    (concat!("FIX", "ME"), "mend it, or open an issue"),
    (concat!("XX", "X"), "mend it, or open an issue"),
    (concat!("TO", "DO"), "do it, or open an issue"),
    (concat!("#[ig", "nore"), "a test runs or goes"),
];

/// Words that say nothing about a type or a module.
const EMPTY_NAMES: &[&str] = &["Manager", "Helper", "Util", "Utils", "Data", "Info", "Process"];

/// Methods whose order is the hash map's.
const HASH_ORDER: &[&str] = &[
    ".iter()",
    ".iter_mut()",
    ".keys()",
    ".values()",
    ".values_mut()",
    ".drain()",
    ".into_iter()",
];
/// A comment that says why an order does not matter.
const ANY_ORDER: &str = "// any order:";

/// Checks one file.
pub(crate) fn check(source: &Source, violations: &mut Vec<Violation>) {
    module_docs(source, violations);
    size(source, violations);
    functions(source, violations);
    names(source, violations);
    calls(source, violations);
    hash_order(source, violations);
}

fn module_docs(source: &Source, violations: &mut Vec<Violation>) {
    let first = source.lines.iter().position(|line| !line.raw.trim().is_empty());
    let documented = first.is_some_and(|at| source.lines[at].raw.trim_start().starts_with("//!"));
    if !documented {
        let message = "begins without `//!`: say what the module is, is not, and its invariant";
        violations.push(Violation::new(source, first.unwrap_or(0), message));
    }
}

fn size(source: &Source, violations: &mut Vec<Violation>) {
    if source.lines.len() > FILE_LINES_MAX {
        let message = format!("{} lines; split at {FILE_LINES_MAX}", source.lines.len());
        violations.push(Violation::new(source, source.lines.len() - 1, message));
    }
    for (at, line) in source.lines.iter().enumerate() {
        let (code, all) = (line.code.trim_end().chars().count(), line.raw.chars().count());
        // rustfmt cannot break a string.
        let in_string = line.string || line.code.contains('"');
        if !in_string && (code > CODE_CHARS_MAX || all > PROSE_CHARS_MAX) {
            let message = format!(
                "longer than {CODE_CHARS_MAX} characters of code or {PROSE_CHARS_MAX} of prose: break it"
            );
            violations.push(Violation::new(source, at, message));
        }
    }
}

/// Functions that are too long; tests may be as long as what they tell.
fn functions(source: &Source, violations: &mut Vec<Violation>) {
    // Functions that are open: where each begins, its name, and the depth of its brace.
    let mut open: Vec<(usize, String, Option<i32>)> = Vec::new();
    let (mut depth, mut nested) = (0, 0);
    for (at, line) in source.lines.iter().enumerate() {
        if let Some(name) = function(&line.code).filter(|_| !line.test) {
            open.push((at, name, None));
        }
        for c in line.code.chars() {
            match c {
                '{' => {
                    if let Some((_, _, brace @ None)) = open.last_mut() {
                        *brace = Some(depth);
                    }
                    depth += 1;
                }
                '}' => {
                    depth -= 1;
                    if let Some((from, name, _)) =
                        open.pop_if(|(_, _, brace)| *brace == Some(depth))
                    {
                        let lines = at - from + 1;
                        if lines > FUNCTION_LINES_MAX {
                            let message = format!(
                                "`{name}` has {lines} lines; split it by phases at {FUNCTION_LINES_MAX}"
                            );
                            violations.push(Violation::new(source, from, message));
                        }
                    }
                }
                '(' | '[' => nested += 1,
                ')' | ']' => nested -= 1,
                // One without a body; not the `;` of an array's type.
                ';' if nested == 0 => drop(open.pop_if(|(_, _, brace)| brace.is_none())),
                _ => {}
            }
        }
    }
}

/// The name of the function that a line of code begins to define.
fn function(code: &str) -> Option<String> {
    let (before, after) = code.split_once("fn ")?;
    let words = ["pub", "const", "async", "unsafe", "extern", "\"\""];
    let is_item =
        before.split_whitespace().all(|word| words.contains(&word) || word.starts_with("pub("));
    let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (is_item && !name.is_empty()).then_some(name)
}

fn names(source: &Source, violations: &mut Vec<Violation>) {
    let stem = source.path.trim_end_matches(".rs");
    for part in stem.split('/').flat_map(|folder| folder.split('_')) {
        if EMPTY_NAMES.iter().any(|name| name.to_lowercase() == part) {
            violations.push(Violation::new(
                source,
                0,
                format!("a file named `{part}`: say what of"),
            ));
        }
    }
    for (at, line) in source.lines.iter().enumerate() {
        let mut words = line.code.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        while let Some(word) = words.next() {
            if !matches!(word, "struct" | "enum" | "trait" | "type") {
                continue;
            }
            let defined = words.next().unwrap_or_default();
            if let Some(empty) = camel_words(defined).find(|word| EMPTY_NAMES.contains(word)) {
                let message = format!("`{defined}`: `{empty}` says nothing; name what it is");
                violations.push(Violation::new(source, at, message));
            }
        }
    }
}

/// `RowData2` as `Row`, `Data2`.
fn camel_words(name: &str) -> impl Iterator<Item = &str> {
    let starts: Vec<usize> =
        name.char_indices().filter(|(_, c)| c.is_uppercase()).map(|(at, _)| at).collect();
    let ends: Vec<usize> = starts.iter().copied().skip(1).chain([name.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| &name[start..end])
}

fn calls(source: &Source, violations: &mut Vec<Violation>) {
    let mut add = |at: usize, pattern: &str, instead: &str| {
        violations.push(Violation::new(source, at, format!("`{pattern}`: {instead}")));
    };
    for (at, line) in source.lines.iter().enumerate() {
        for (pattern, instead) in MARKERS {
            if has(&line.raw, pattern) {
                add(at, pattern, instead);
            }
        }
        if line.test {
            continue;
        }
        for (pattern, places, instead) in CALLS {
            let free = pattern.contains("print") && source.within(PRINTERS);
            if !free && source.within(places) && has(&line.code, pattern) {
                add(at, pattern, instead);
            }
        }
    }
}

/// Whether the pattern occurs, not as a part of a longer word.
fn has(text: &str, pattern: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let (first, last) = (pattern.chars().next(), pattern.chars().next_back());
    text.match_indices(pattern).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + pattern.len()..].chars().next();
        !(word(first) && word(before) || word(last) && word(after))
    })
}

fn hash_order(source: &Source, violations: &mut Vec<Violation>) {
    if !source.within(ENGINE) {
        return;
    }
    let is_map = |line: &str| line.contains("HashMap") || line.contains("HashSet");
    let maps: Vec<&str> = source
        .lines
        .iter()
        .filter(|line| !line.test && is_map(&line.code))
        .filter_map(|line| line.code.split(['=', ':']).next())
        .filter_map(|before| before.split_whitespace().next_back())
        .filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
        .collect();
    for (at, line) in source.lines.iter().enumerate().filter(|(_, line)| !line.test) {
        let excused =
            [at, at.saturating_sub(1)].iter().any(|&at| source.lines[at].raw.contains(ANY_ORDER));
        for map in maps.iter().filter(|_| !excused) {
            let by_method =
                HASH_ORDER.iter().any(|method| has(&line.code, &format!("{map}{method}")));
            let by_loop =
                ["in &", "in &mut ", "in &self.", "in &mut self.", "in self."].iter().any(
                    |start| line.code.contains("for ") && has(&line.code, &format!("{start}{map}")),
                );
            if by_method || by_loop {
                let message = format!(
                    "walks the hash map `{map}` in no fixed order: use a BTreeMap, or sort and say \
                     `{ANY_ORDER} why`"
                );
                violations.push(Violation::new(source, at, message));
            }
        }
    }
}
