//! The reference page of the config, `docs/config.md`, from the table of options.

use std::fmt::Write;

use super::live::followers;
use super::option::Opt;
use super::options::{METRIC_OPTIONS, METRICS_DOC, sections};
use super::presets::PRESETS;
use crate::sink;

const HEAD: &str = "\
# The config

<!-- Made from the tables of options in pipeline/src/config and of sinks in pipeline/src/sink. Do not edit: run
     `UPDATE_GOLDEN=1 cargo test --release -p driftline-tests --test surface config::`. -->

Driftline reads one TOML file, `driftline.toml` unless you name another. `driftline init SAMPLE` writes one
from a sample of your events, `driftline check` reports all errors at once, each with its line and the
remedy, and `driftline schema config` prints a JSON Schema for editors.

The smallest config that works:

```toml
[time]
path = \"ts\"

[keys]
model = \"model\"

[metrics.latency_ms]
```

A **path** such as `usage.input_tokens` names fields from the outside in. It matches nested objects, a flat key
with dots in it, and mixtures of both. A **duration** is written in whole numbers with units: `250ms`,
`10s`, `5m`, `1h30m`, `7d` (us, ms, s, m, h, d, w).
";

const STRFTIME: &str = "
A strftime pattern is text with `%`: `%Y` year, `%m` month, `%d` day, `%H` hour, `%M` minute, `%S` second,
`%.f` fraction of a second with its dot, `%3f` `%6f` `%9f` fraction without it, `%z` offset (`+0200`), `%:z`
offset (`+02:00`), `%b` month's short name, `%s` epoch seconds, `%%` a percent sign.
";

/// The page, as Markdown.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for section in sections() {
        let title = match section.name {
            "" => "Top of the file".to_owned(),
            name => format!("`[{name}]`"),
        };
        chapter(&mut page, &title, section.doc, section.options);
        if section.name == "time" {
            page.push_str(STRFTIME);
        }
        if section.name == "sinks" {
            for spec in sink::following() {
                let title = format!("`[sinks.{}]`", spec.name);
                chapter(&mut page, &title, spec.doc, &followers::rows(spec));
            }
        }
        if section.name == "delivery" {
            page.push_str(&sinks());
        }
        if section.name == "keys" {
            chapter(&mut page, "`[metrics.NAME]`", METRICS_DOC, METRIC_OPTIONS);
        }
    }
    page.push_str("\n## Presets\n\nA preset is a config that yours overrides, option by option.\n");
    for (name, doc, toml) in PRESETS {
        // Writing into a String cannot fail.
        let _ = write!(page, "\n### `preset = \"{name}\"`\n\n{doc}\n\n```toml\n{toml}```\n");
    }
    page
}

/// The table of sinks.
fn sinks() -> String {
    let mut table = String::from("\nThe sinks:\n\n| sink | what it does |\n| --- | --- |\n");
    for spec in sink::all() {
        let _ = writeln!(table, "| `{}` | {} |", spec.name, spec.doc);
    }
    table
}

fn chapter<T>(page: &mut String, title: &str, doc: &str, options: &[Opt<T>]) {
    let _ = write!(page, "\n## {title}\n\n{doc}\n\n| option | default | takes | what it is |\n");
    page.push_str("| --- | --- | --- | --- |\n");
    for option in options {
        let default = match option.default {
            "" => String::new(),
            default => format!("`{default}`"),
        };
        let _ = writeln!(
            page,
            "| `{}` | {default} | {} | {} |",
            option.name,
            option.form.expected(),
            option.doc
        );
    }
}
