//! What is wrong with a config, and where. All at once, each with its line, a caret and the remedy.
//!
//! Not here: finding what is wrong.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::{DecorStyle, Renderer};
use annotate_snippets::{AnnotationKind, Level as Title, Snippet};
use serde_json::{Value, json};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The config cannot be used.
    Error,
    /// The config can be used, but may not do what is meant.
    Warning,
}

/// One error or warning about a config.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Bytes of the config text that the caret points at.
    pub span: Range<usize>,
    /// Text beside the caret; may be empty.
    pub label: String,
    /// What to do; may be empty.
    pub help: String,
}

/// All errors and warnings about one config text.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    name: String,
    text: String,
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// None yet, for a text that people know under `name`.
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: name.into(), text: text.into(), items: Vec::new() }
    }

    /// Adds an error.
    pub fn error(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Level::Error, span, message.into())
    }

    /// Adds a warning.
    pub fn warning(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Level::Warning, span, message.into())
    }

    fn push(&mut self, level: Level, span: Range<usize>, message: String) -> &mut Diagnostic {
        let end = span.end.min(self.text.len());
        let span = span.start.min(end)..end;
        let item = Diagnostic { level, message, span, label: String::new(), help: String::new() };
        self.items.push(item);
        let last = self.items.len() - 1;
        &mut self.items[last]
    }

    /// Shows stars instead of this part of the text.
    pub(super) fn mask(&mut self, span: Range<usize>) {
        let end = span.end.min(self.text.len());
        let start = span.start.min(end);
        let bytes = self.text.as_bytes().iter().enumerate().map(|(at, byte)| {
            let masked = (start..end).contains(&at) && *byte != b'\n';
            if masked { b'*' } else { *byte }
        });
        // Spans that a parser gives begin and end between characters, so no character was cut.
        self.text = String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned();
    }

    /// All of them.
    pub fn items(&self) -> &[Diagnostic] {
        &self.items
    }

    /// Whether the config cannot be used.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.level == Level::Error)
    }

    /// Number of errors and of warnings.
    pub fn count(&self) -> (usize, usize) {
        let errors = self.items.iter().filter(|item| item.level == Level::Error).count();
        (errors, self.items.len() - errors)
    }

    /// Orders them by their place in the text.
    pub(super) fn sort(&mut self) {
        self.items.sort_by_key(|item| (item.span.start, item.span.end));
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn place(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// For people: each with its line and a caret.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let mut text = String::new();
        for item in &self.items {
            let title = match item.level {
                Level::Error => Title::ERROR,
                Level::Warning => Title::WARNING,
            };
            let caret = AnnotationKind::Primary.span(item.span.clone());
            let caret = if item.label.is_empty() { caret } else { caret.label(&item.label) };
            let snippet = Snippet::source(&self.text).path(&self.name).annotation(caret);
            let mut group = title.primary_title(&item.message).element(snippet);
            if !item.help.is_empty() {
                group = group.element(Title::HELP.message(&item.help));
            }
            text.push_str(&renderer.render(&[group]));
            text.push_str("\n\n");
        }
        text
    }

    /// For machines: `file`, and `diagnostics` with level, message, line, column (from 1, to the end
    /// exclusive), label and help.
    pub fn to_json(&self) -> Value {
        let items = self.items.iter().map(|item| {
            let (line, column) = self.place(item.span.start);
            let (end_line, end_column) = self.place(item.span.end);
            json!({
                "level": match item.level { Level::Error => "error", Level::Warning => "warning" },
                "message": item.message,
                "line": line,
                "column": column,
                "end_line": end_line,
                "end_column": end_column,
                "label": item.label,
                "help": item.help,
            })
        });
        json!({ "file": self.name, "diagnostics": items.collect::<Vec<_>>() })
    }
}

impl Diagnostic {
    /// Says something beside the caret.
    pub fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    /// Says what to do.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = help.into();
        self
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Diagnostics {}

/// The nearest of the candidates, if it is near enough to be a slip of the pen.
pub fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = (written.chars().count().max(3) / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(written, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= limit || (written.len() >= 3 && candidate.contains(written))
        })
        .min()
        .map(|(_, candidate)| candidate)
}
