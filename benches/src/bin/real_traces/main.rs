//! What Driftline finds on real telemetry: two public traces of LLM services, untouched and changed at
//! known instants. Not a speed bench; the tables are explained in `docs/real-data.md`.
//!
//! `cargo run --release -p driftline-bench --bin real_traces -- FOLDER [--markdown] [azure|tokens|volume]`
//!
//! FOLDER (or the environment variable `DRIFTLINE_DATA`) holds `azure-llm-2023` and `servegen-m-small`.
//! All draws are seeded: the same files give the same tables.

mod azure;
mod draw;
mod outcome;
mod run;
mod score;
mod servegen;
mod table;
mod tokens;
mod trace;
mod volume;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use table::Table;

fn main() -> anyhow::Result<()> {
    let (mut folder, mut markdown, mut parts) = (None, false, Vec::new());
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--markdown" => markdown = true,
            "azure" | "tokens" | "volume" => parts.push(argument),
            option if option.starts_with('-') => {
                bail!("unknown option {option}; there is --markdown")
            }
            _ => folder = Some(PathBuf::from(argument)),
        }
    }
    let folder = folder.or_else(|| std::env::var_os("DRIFTLINE_DATA").map(PathBuf::from)).context(
        "no data: name the folder that holds azure-llm-2023 and servegen-m-small, as an argument or \
         in DRIFTLINE_DATA; docs/real-data.md says where they come from",
    )?;
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let show = |tables: Vec<Table>| -> anyhow::Result<()> {
        let mut out = std::io::stdout();
        for table in tables {
            out.write_all(if markdown { table.markdown() } else { table.text() }.as_bytes())?;
        }
        Ok(out.flush()?)
    };
    if wanted("azure") {
        show(azure::tables(&folder.join("azure-llm-2023"))?)?;
    }
    if wanted("tokens") || wanted("volume") {
        let clients = servegen::read(&folder.join("servegen-m-small"))?;
        if wanted("tokens") {
            show(tokens::tables(&clients)?)?;
        }
        if wanted("volume") {
            show(volume::tables(&clients)?)?;
        }
    }
    Ok(())
}
