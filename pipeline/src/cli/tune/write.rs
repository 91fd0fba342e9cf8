//! The chosen settings, written into the user's config: everything else in it stays as it was.

use std::path::Path;

use anyhow::{Context, ensure};
use toml_edit::{DocumentMut, Item, Table, value};

use super::choices::Edit;
use crate::config::{self, duration::format_us};

/// Writes a copy of a config with these edits.
pub(super) fn config(from: &Path, to: &Path, edits: &[Edit]) -> anyhow::Result<()> {
    let before = std::fs::read_to_string(from)
        .with_context(|| format!("cannot read the config {}", from.display()))?;
    let (settings, _) = config::load(from)?;
    let metrics: Vec<&str> = settings.metrics.iter().map(|m| m.name.as_str()).collect();
    let text = edited(&before, edits, &metrics)
        .with_context(|| format!("{} cannot be edited", from.display()))?;
    let diagnostics = config::parse(&text, &to.display().to_string()).diagnostics;
    ensure!(!diagnostics.has_errors(), "{diagnostics}: nothing was written");
    std::fs::write(to, text).with_context(|| format!("cannot write {}", to.display()))
}

fn edited(text: &str, edits: &[Edit], metrics: &[&str]) -> anyhow::Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let mut set = |place: &[&str], item: Item| -> anyhow::Result<()> {
        let (name, sections) = place.split_last().context("a place")?;
        let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
        for section in sections {
            let entry = table.entry(section).or_insert_with(|| {
                let mut table = Table::new();
                // A section that only holds others has no line of its own.
                table.set_implicit(true);
                Item::Table(table)
            });
            table =
                entry.as_table_like_mut().with_context(|| format!("{section} is not a table"))?;
        }
        match table.get_mut(name).and_then(Item::as_value_mut) {
            // The comment beside a value stays.
            Some(old) => {
                let decor = old.decor().clone();
                let Item::Value(mut new) = item else { return Ok(()) };
                *new.decor_mut() = decor;
                *old = new;
            }
            None => {
                table.insert(name, item);
            }
        }
        Ok(())
    };
    for edit in edits {
        match *edit {
            Edit::Budget(budget) => set(&["detect", "budget_per_week"], value(budget))?,
            Edit::Pane { pane_us, window_us, every_us } => {
                set(&["time", "pane"], value(format_us(pane_us)))?;
                set(&["time", "window"], value(format_us(window_us)))?;
                set(&["scalars", "every"], value(format_us(every_us)))?;
            }
            Edit::Zone(zone) => {
                for metric in metrics {
                    set(&["metrics", metric, "zone"], value(zone))?;
                }
            }
        }
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# ours\n[keys]\nmodel = \"m\" # the model\n\n[metrics.latency_ms]\nkind = \"number\"\n\n[detect]\nbudget_per_week = 1.0 # agreed\n";

    #[test]
    fn all_but_the_edits_stays() {
        let edits = [
            Edit::Budget(5.0),
            Edit::Pane { pane_us: 60_000_000, window_us: 300_000_000, every_us: 60_000_000 },
            Edit::Zone(0.2),
        ];
        let text = edited(TEXT, &edits, &["latency_ms"]).expect("an edit");
        for part in [
            "# ours",
            "model = \"m\" # the model",
            "budget_per_week = 5.0 # agreed",
            "pane = \"1m\"",
            "window = \"5m\"",
            "every = \"1m\"",
            "zone = 0.2",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        assert_eq!(edited(TEXT, &[], &[]).expect("no edit"), TEXT);
    }
}
