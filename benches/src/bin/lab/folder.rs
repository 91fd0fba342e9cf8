//! Public data sets, in a folder that the environment variable `DRIFTLINE_DATA` names.

use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use driftline::model::time::from_rfc3339;
use flate2::read::GzDecoder;

const VARIABLE: &str = "DRIFTLINE_DATA";

/// The folder of a data set.
pub(crate) fn folder(name: &str) -> anyhow::Result<PathBuf> {
    let root = std::env::var_os(VARIABLE).with_context(|| {
        format!("{VARIABLE} is not set: name the folder that holds {name} and the other data sets")
    })?;
    let folder = PathBuf::from(root).join(name);
    ensure!(folder.is_dir(), "{}: no such folder; {VARIABLE} is its parent", folder.display());
    Ok(folder)
}

/// The text of a file of a data set, unpacked where its name ends in `gz`.
pub(crate) fn text(set: &str, file: &str) -> anyhow::Result<String> {
    let path = folder(set)?.join(file);
    let context = || path.display().to_string();
    if !file.ends_with("gz") {
        return std::fs::read_to_string(&path).with_context(context);
    }
    let mut text = String::new();
    let packed = std::fs::File::open(&path).with_context(context)?;
    GzDecoder::new(packed).read_to_string(&mut text).with_context(context)?;
    Ok(text)
}

/// Microseconds since 1970 of `2014-04-10 16:15:00`, taken for UTC.
pub(crate) fn instant_us(text: &str) -> anyhow::Result<i64> {
    from_rfc3339(&format!("{}Z", text.trim().replacen(' ', "T", 1)))
        .with_context(|| format!("{text}: no instant"))
}
