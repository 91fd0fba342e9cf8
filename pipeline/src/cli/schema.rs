//! `driftline schema`: the files of `schemas/`, as they were when this binary was built.

use std::process::ExitCode;

use anyhow::bail;

use super::Terminal;

/// Print the schema of a file that Driftline reads or writes
///
/// Schemas are JSON Schema 2020-12, with examples. With the schema of the config, an editor completes
/// and checks it while you type.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  driftline schema                             List the schemas
  driftline schema config > config.schema.json Write the config's schema for an editor
  driftline schema finding | jq .properties    See what is in a finding")]
pub struct Args {
    /// Name of the schema [default: list them]
    #[arg(value_parser = SCHEMAS.iter().map(|(name, ..)| *name).collect::<Vec<_>>())]
    name: Option<String>,
}

/// Name, what it describes, and the file.
const SCHEMAS: &[(&str, &str, &str)] = &[
    ("config", "the config", include_str!("../../../schemas/config.v1.json")),
    (
        "event",
        "an event, with an example for each preset",
        include_str!("../../../schemas/event.v1.json"),
    ),
    ("finding", "a line of findings.ndjson", include_str!("../../../schemas/finding.v1.json")),
    ("alert", "a line of alerts.ndjson", include_str!("../../../schemas/alert.v1.json")),
    (
        "anomaly",
        "a record on the topic of surprising events",
        include_str!("../../../schemas/anomaly.v1.json"),
    ),
    ("reject", "a line of rejects.ndjson", include_str!("../../../schemas/reject.v1.json")),
    ("baseline", "a line of a baseline file", include_str!("../../../schemas/baseline.v1.json")),
    ("truth", "truth.json of a generated set", include_str!("../../../schemas/truth.v1.json")),
];

/// Prints one schema, or their list.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let Some(name) = args.name else {
        let list = SCHEMAS.iter().map(|(name, doc, _)| format!("{name:<10}{doc}\n"));
        terminal.print(&list.collect::<String>())?;
        return Ok(ExitCode::SUCCESS);
    };
    let Some((_, _, text)) = SCHEMAS.iter().find(|(known, ..)| *known == name) else {
        bail!("there is no schema {name}; see `driftline schema` for a list");
    };
    terminal.print(text)?;
    Ok(ExitCode::SUCCESS)
}
