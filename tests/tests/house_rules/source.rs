//! One source file, read once: its lines with comments and strings blanked out, and which lines are tests.
//!
//! Not here: any rule. Blanking keeps every line and column in its place.

/// One line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// As it stands in the file.
    pub(crate) raw: String,
    /// The same with comments and the insides of strings as spaces.
    pub(crate) code: String,
    /// Whether it belongs to tests.
    pub(crate) test: bool,
    /// Whether a string reaches into it from the line above or out of it.
    pub(crate) string: bool,
}

/// One source file.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Path from the root of the repository, with `/`.
    pub(crate) path: String,
    /// Its lines.
    pub(crate) lines: Vec<Line>,
}

impl Source {
    /// Reads the text of a file.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, in_string) = blank(text);
        let whole = path.starts_with("tests/")
            || path.ends_with("/tests.rs")
            || path.ends_with("_tests.rs");
        let tests = if whole { Vec::new() } else { test_lines(&code) };
        let lines = text.lines().zip(code.lines()).enumerate().map(|(at, (raw, code))| Line {
            raw: raw.to_owned(),
            code: code.to_owned(),
            test: whole || tests.get(at).copied().unwrap_or(false),
            string: in_string.get(at).copied().unwrap_or(false)
                || in_string.get(at + 1).copied().unwrap_or(false),
        });
        Self { path: path.to_owned(), lines: lines.collect() }
    }

    /// The code of all lines, newlines in place.
    pub(crate) fn code(&self) -> String {
        self.lines.iter().map(|line| line.code.clone() + "\n").collect()
    }

    /// Whether it lies under one of these folders, or is one of these files.
    pub(crate) fn within(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            let rest = self.path.strip_prefix(place);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest == ".rs")
        })
    }
}

/// Comments and strings as spaces; and for each line whether it begins inside a string.
fn blank(text: &str) -> (String, Vec<bool>) {
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<char> = chars.clone();
    let mut starts = vec![false];
    let mut at = 0;
    while at < chars.len() {
        let (end, is_string) = token_end(&chars, at);
        for place in at..end {
            match chars[place] {
                '\n' => starts.push(is_string),
                _ if end - at > 1 => out[place] = ' ',
                _ => {}
            }
        }
        if is_string {
            out[at] = '"';
            out[end - 1] = '"';
        }
        at = end;
    }
    (out.into_iter().collect(), starts)
}

/// Where the comment, string or character that begins here ends, and whether it is a string. For any
/// other character, the next one.
fn token_end(chars: &[char], at: usize) -> (usize, bool) {
    let next = |offset: usize| chars.get(at + offset).copied().unwrap_or('\0');
    let part_of_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match (chars[at], next(1)) {
        ('/', '/') => (find(chars, at, |c| c == '\n'), false),
        ('/', '*') => (block_comment_end(chars, at), false),
        ('"', _) => (string_end(chars, at + 1), true),
        ('b', '"') if !part_of_word => (string_end(chars, at + 2), true),
        ('r', '"' | '#') if !part_of_word => raw_string_end(chars, at + 1),
        ('b', 'r') if !part_of_word && matches!(next(2), '"' | '#') => {
            raw_string_end(chars, at + 2)
        }
        ('\'', '\\') => (find(chars, at + 3, |c| c == '\'') + 1, true),
        ('\'', _) if next(2) == '\'' => (at + 3, true),
        _ => (at + 1, false),
    }
}

fn find(chars: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    (from..chars.len()).find(|&at| wanted(chars[at])).unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], from: usize) -> usize {
    let mut depth = 0;
    let mut at = from;
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut at = from;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// From the first `#` or `"` behind the `r`. A raw identifier such as `r#type` is no string.
fn raw_string_end(chars: &[char], from: usize) -> (usize, bool) {
    let quote = find(chars, from, |c| c != '#');
    if chars.get(quote) != Some(&'"') {
        return (from, false);
    }
    let hashes = quote - from;
    let closes = |at: &usize| {
        chars[*at] == '"' && chars[at + 1..].iter().take_while(|&&c| c == '#').count() >= hashes
    };
    let end = (quote + 1..chars.len()).find(closes);
    (end.map_or(chars.len(), |at| at + 1 + hashes), true)
}

/// Lines of items under `#[cfg(test)]` or `#[test]`.
fn test_lines(code: &str) -> Vec<bool> {
    let mut depth = 0_i32;
    let mut state = State::Outside;
    let mut marks = Vec::new();
    for line in code.lines() {
        if state == State::Outside && ["#[cfg(test)]", "#[test]"].iter().any(|a| line.contains(a)) {
            state = State::Begun(depth);
        }
        let mut test = state != State::Outside;
        for c in line.chars() {
            match c {
                '{' => {
                    if let State::Begun(at) = state {
                        state = State::Inside(at);
                    }
                    depth += 1;
                }
                '}' => {
                    depth -= 1;
                    if state == State::Inside(depth) {
                        state = State::Outside;
                    }
                }
                ';' if state == State::Begun(depth) => state = State::Outside,
                _ => {}
            }
        }
        test |= state != State::Outside;
        marks.push(test);
    }
    marks
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Outside,
    /// The attribute was seen at this depth; its item has not opened.
    Begun(i32),
    /// Inside the item, which closes at this depth.
    Inside(i32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blank_and_lines_stay() {
        let text =
            "let a = \"x { // y\"; // z\nlet b = r#\"un\"wrap\n()\"#; /* c\n*/ let d = '{';\n";
        let source = Source::new("detectors/src/a.rs", text);
        let code: Vec<&str> = source.lines.iter().map(|line| line.code.trim_end()).collect();
        assert_eq!(code[0], "let a = \"        \";");
        assert_eq!(code[1].trim_end(), "let b = \"");
        assert!(code[2].ends_with("\";") && code[3].ends_with("let d = \" \";"), "{code:?}");
        let strings: Vec<bool> = source.lines.iter().map(|line| line.string).collect();
        assert_eq!(strings, [false, true, true, false]);
        let lifetimes = Source::new("a.rs", "fn f<'a>(x: &'a str) -> &'a str { x }");
        assert!(lifetimes.lines[0].code.contains("{ x }"));
    }

    #[test]
    fn test_items_are_marked_to_their_end() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n\
                    #[cfg(test)]\nmod more;\nfn d() {}\n";
        let source = Source::new("detectors/src/a.rs", text);
        let marks: Vec<bool> = source.lines.iter().map(|line| line.test).collect();
        assert_eq!(marks, [false, true, true, true, true, false, true, true, false]);
    }
}
