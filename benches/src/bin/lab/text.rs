//! Tables in Markdown, and figures as JSON that is easy to compare.

use serde_json::Value;

/// A table in Markdown.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(N));
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
