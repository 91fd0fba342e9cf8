//! Tables in Markdown, and figures as JSON that is easy to compare.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A table in Markdown.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.to_vec()).collect();
    table_of(&head.map(String::from), &rows)
}

/// A table whose width is not known beforehand.
pub(crate) fn table_of(head: &[String], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()));
    for row in rows {
        text += &format!("| {} |\n", row.join(" | "));
    }
    text
}

/// A number with about three digits.
pub(crate) fn short(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 0.1 || v == 0.0 => 2,
        _ => 4,
    };
    format!("{value:.digits$}")
}

/// JSON has no NaN: a figure that could not be measured is null there.
pub(crate) fn null_is_nan<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

/// Figures with at most six digits, a line each.
pub(crate) fn json(figures: &Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&rounded(figures))? + "\n")
}

fn rounded(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            let v = number.as_f64().unwrap_or_default();
            format!("{v:.5e}").parse::<f64>().map_or(value.clone(), Value::from)
        }
        Value::Array(items) => items.iter().map(rounded).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), rounded(value))).collect()
        }
        other => other.clone(),
    }
}
