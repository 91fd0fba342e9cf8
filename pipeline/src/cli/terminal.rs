//! Where a command talks: data to standard output, talk to standard error, colour where it is wanted.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use clap::ValueEnum;

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWish {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Even into a file or pipe
    Always,
    /// Never
    Never,
}

/// What is known of the two output streams.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    color_out: bool,
    color_err: bool,
    quiet: bool,
}

impl Terminal {
    /// Looks at the two streams and the environment.
    pub fn new(wish: ColorWish, quiet: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = |is_terminal: bool| match wish {
            ColorWish::Auto => is_terminal && !refused,
            ColorWish::Always => true,
            ColorWish::Never => false,
        };
        Self {
            color_out: color(io::stdout().is_terminal()),
            color_err: color(io::stderr().is_terminal()),
            quiet,
        }
    }

    /// Whether standard output takes colour.
    pub fn color_out(&self) -> bool {
        self.color_out
    }

    /// Whether standard error takes colour.
    pub fn color_err(&self) -> bool {
        self.color_err
    }

    /// Whether a progress bar has its place: a person looks at standard error and did not ask for quiet.
    pub fn progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Standard output, buffered. Flush it: an error on the way (a full disk) must not be lost.
    pub fn out(&self) -> BufWriter<StdoutLock<'static>> {
        BufWriter::new(io::stdout().lock())
    }

    /// Writes text to standard output.
    pub fn print(&self, text: &str) -> io::Result<()> {
        let mut out = self.out();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Says a line on standard error, unless quiet.
    pub fn tell(&self, text: &str) {
        if !self.quiet {
            self.tell_always(text);
        }
    }

    /// Says a line on standard error.
    pub fn tell_always(&self, text: &str) {
        // There is nobody left to tell when this fails.
        let _ = writeln!(io::stderr().lock(), "{}", text.trim_end_matches('\n'));
    }

    /// Says an error on standard error.
    pub fn error(&self, message: &str) {
        let (on, off) = if self.color_err { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
        self.tell_always(&format!("{on}error{off}: {message}"));
    }
}
