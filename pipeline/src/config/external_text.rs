//! A text that stands in the config, or in an environment variable or file that the config names.
//!
//! Not here: when the places outside are read. Invariant: a secret is never held as a literal.

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostics;

/// Longest text that is taken from outside, in bytes: keys and certificates have a few thousand.
const OUTSIDE_BYTES_MAX: u64 = 1 << 20;

/// Where a text stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TextSource {
    /// In the config.
    Literal(String),
    /// In an environment variable.
    Env(String),
    /// In a file, relative to the folder of the config.
    File(PathBuf),
}

/// A text with its place in the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalText {
    pub(super) source: TextSource,
    /// Of the value in the config's text.
    pub(super) span: Range<usize>,
}

impl Default for ExternalText {
    fn default() -> Self {
        Self { source: TextSource::Literal(String::new()), span: 0..0 }
    }
}

/// A name with its place, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedText {
    pub(super) name: String,
    pub(super) span: Range<usize>,
    pub(super) text: ExternalText,
}

/// What stands outside of the config's text.
pub struct Outside<'a> {
    /// The value of an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// What relative paths are relative to.
    pub folder: &'a Path,
}

/// Texts by way of the config, or nothing yet where only the config itself is read.
pub(super) struct TextReader<'a> {
    pub(super) outside: Option<&'a Outside<'a>>,
}

impl TextReader<'_> {
    /// The text; `None` where it stands outside and that is not read, or cannot be read, which is told.
    pub(super) fn read(
        &self,
        given: &ExternalText,
        diagnostics: &mut Diagnostics,
    ) -> Option<String> {
        let outside = match (&given.source, self.outside) {
            (TextSource::Literal(text), _) => return Some(text.clone()),
            (_, None) => return None,
            (_, Some(outside)) => outside,
        };
        let (text, place, remedy) = match &given.source {
            TextSource::Literal(_) => return None,
            TextSource::Env(name) => (
                (outside.variable)(name).ok_or_else(|| "is not set".to_owned()),
                format!("the environment variable {name}"),
                "set it where Driftline is started, or use another one".to_owned(),
            ),
            TextSource::File(path) => {
                let path = outside.folder.join(path);
                let place = format!("the file {}", path.display());
                let remedy = "create it, and let the user that runs Driftline read it".to_owned();
                (read_file(&path), place, remedy)
            }
        };
        let fault = match text {
            Ok(text) if text.is_empty() => "is empty".to_owned(),
            Ok(text) => return Some(text),
            Err(fault) => fault,
        };
        diagnostics.error(given.span.clone(), format!("{place} {fault}")).help(remedy);
        None
    }

    /// The path of a file that a library will read, told where it is missing.
    pub(super) fn path(
        &self,
        given: &ExternalText,
        diagnostics: &mut Diagnostics,
    ) -> Option<String> {
        let written = self.read(given, diagnostics)?;
        let Some(outside) = self.outside else { return Some(written) };
        let path = outside.folder.join(written);
        if let Err(error) = std::fs::File::open(&path) {
            diagnostics
                .error(
                    given.span.clone(),
                    format!("the file {} cannot be read: {error}", path.display()),
                )
                .help("correct the path (it is relative to the folder of this config), or create the file");
            return None;
        }
        Some(path.to_string_lossy().into_owned())
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(OUTSIDE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > OUTSIDE_BYTES_MAX {
        return Err(format!("is longer than {OUTSIDE_BYTES_MAX} bytes"));
    }
    // Editors and `echo` end a file with a line end that is no part of a password.
    let cut = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text));
    Ok(cut.map(str::to_owned).unwrap_or(text))
}
