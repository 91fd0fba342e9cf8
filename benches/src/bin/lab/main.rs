//! The lab: what Driftline promises and how fast it detects, measured on the real code, beside exact
//! floors and beside others.
//!
//! `cargo run --release -p driftline-bench --bin lab -- [quick|full|page] [PART...]` measures the parts
//! (default: all) and prints them. What `full` measures is stored in `docs/detection/PART.json`, and
//! `docs/detection.md` and its pictures are made of what is stored; `page` only does that. Seeded, and
//! in parallel.

// A bench talks to a terminal.
#![allow(clippy::print_stdout)]

mod charts;
mod drifts;
mod fleets;
mod folder;
mod nab;
mod parallel;
mod peers;
mod promise;
mod scalars;
mod scenarios;
mod scenes;
mod series;
mod steps;
mod text;
mod walk;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::Value;

/// How much is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Minutes.
    Quick,
    /// What the page is made of.
    Full,
}

/// A picture: name of its file, SVG.
type Picture = (String, String);

/// A part of the page.
struct Part {
    /// Its name on the command line, of its file, and its mark in the page's text.
    name: &'static str,
    /// The figures; all else follows from them.
    measure: fn(Effort) -> anyhow::Result<Value>,
    /// Tables in Markdown.
    text: fn(&Value) -> anyhow::Result<String>,
    pictures: fn(&Value) -> anyhow::Result<Vec<Picture>>,
}

macro_rules! parts {
    ($($part:ident),* $(,)?) => {
        [$(Part {
            name: stringify!($part),
            measure: $part::measure,
            text: $part::text,
            pictures: $part::pictures,
        }),*]
    };
}

/// All parts, in the order of the page.
const PARTS: &[Part] = &parts![promise, fleets, scenes, drifts, steps, scalars, peers, series, nab];

/// The page, with a mark `<!-- PART -->` where the tables of a part go.
const PAGE: &str = include_str!("page.md");

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (effort, wanted) = match arguments.split_first() {
        None => (Some(Effort::Quick), &[][..]),
        Some((word, rest)) => match word.as_str() {
            "quick" => (Some(Effort::Quick), rest),
            "full" => (Some(Effort::Full), rest),
            "page" => (None, rest),
            other => bail!("{other}: expected quick, full or page"),
        },
    };
    for name in wanted {
        if !PARTS.iter().any(|part| part.name == name) {
            let known: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
            bail!("no part {name}; there are {}", known.join(", "));
        }
    }
    let folder = Path::new("docs/detection");
    if effort != Some(Effort::Quick) {
        let failed = || format!("cannot make {}", folder.display());
        std::fs::create_dir_all(folder).with_context(failed)?;
    }
    for part in PARTS.iter().filter(|p| wanted.is_empty() || wanted.iter().any(|w| w == p.name)) {
        let Some(effort) = effort else { break };
        let begun = Instant::now();
        let figures = (part.measure)(effort)?;
        println!("{}", (part.text)(&figures)?);
        println!("{}: {:.0} s", part.name, begun.elapsed().as_secs_f64());
        if effort == Effort::Full {
            write(&folder.join(format!("{}.json", part.name)), &text::json(&figures)?)?;
        }
    }
    if effort == Some(Effort::Quick) {
        return Ok(());
    }
    write(Path::new("docs/detection.md"), &page(folder)?)
}

/// The page out of the stored figures, and the pictures beside it.
fn page(folder: &Path) -> anyhow::Result<String> {
    let mut page = PAGE.to_owned();
    for part in PARTS {
        let path = folder.join(format!("{}.json", part.name));
        let Ok(text) = std::fs::read_to_string(&path) else {
            page = page.replace(&mark(part), "Not measured yet.\n");
            continue;
        };
        let figures = serde_json::from_str(&text)?;
        page = page.replace(&mark(part), &(part.text)(&figures)?);
        for (name, svg) in (part.pictures)(&figures)? {
            write(&folder.join(name), &svg)?;
        }
    }
    Ok(page)
}

/// Where a part's tables go.
fn mark(part: &Part) -> String {
    format!("<!-- {} -->\n", part.name)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
