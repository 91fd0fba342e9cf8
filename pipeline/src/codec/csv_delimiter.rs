//! What parts the fields of a CSV file: told by its first record, so that `init`, `check` and a replay agree.

use std::io::{self, Cursor, Read};

use super::unpack::Stream;

/// Bytes of the first record that are looked at.
const BEGINNING_BYTES: u64 = 1 << 16;
/// What may part fields; of as many, the first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// The delimiter of a file, and the file with the bytes that told it.
pub(super) fn delimiter(mut bytes: Stream) -> io::Result<(u8, Stream)> {
    let mut beginning = Vec::new();
    bytes.by_ref().take(BEGINNING_BYTES).read_to_end(&mut beginning)?;
    let delimiter = of(&beginning);
    Ok((delimiter, Box::new(Cursor::new(beginning).chain(bytes))))
}

/// The one that occurs most often outside of quotes in the first line that is not blank.
fn of(beginning: &[u8]) -> u8 {
    let (mut counts, mut in_quotes) = ([0usize; DELIMITERS.len()], false);
    for byte in beginning.trim_ascii_start() {
        match byte {
            b'"' => in_quotes = !in_quotes,
            b'\n' if !in_quotes => break,
            byte if !in_quotes => {
                if let Some(at) = DELIMITERS.iter().position(|delimiter| delimiter == byte) {
                    counts[at] += 1;
                }
            }
            _ => {}
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    let found = counts.iter().position(|count| *count == most).unwrap_or(0);
    DELIMITERS[found]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_record_tells() {
        for (text, delimiter) in [
            ("a,b,c\n1;2;3;4;5\n", b','),
            ("a;b;c\n1,5;2;3\n", b';'),
            ("\n\na\tb\n", b'\t'),
            ("a|b\n", b'|'),
            ("\"a;b;c;d\",e\n", b','),
            ("alone\n1\n", b','),
            ("", b','),
        ] {
            assert_eq!(of(text.as_bytes()), delimiter, "{text}");
        }
    }
}
