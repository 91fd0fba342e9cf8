//! The grammar of JSON (RFC 8259) over bytes: strings, numbers, whole values to step over.
//!
//! Two departures, both documented: `NaN`, `Infinity` and `-Infinity` are numbers (Python writes
//! them), and a lone surrogate escape is not an error. All loops, no recursion: depth costs no stack.
//! Invariant: the text is UTF-8, checked before; every position is bounds-checked.

use crate::model::Reason;

use super::bad_record::BadRecord;

/// What went wrong, and at which byte.
pub(crate) type Scan<T> = Result<T, (Reason, usize)>;

/// Where a string's content lies and what comes after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quoted {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) escaped: bool,
    pub(crate) next: usize,
}

pub(crate) fn bad_json((reason, at): (Reason, usize)) -> BadRecord {
    BadRecord::new(reason, format!("at byte {at}"))
}

/// The byte at `at`, or 0, which no token may hold.
#[inline(always)]
pub(crate) fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// Steps over white space.
#[inline(always)]
pub(crate) fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(byte(text, at), b' ' | b'\t' | b'\r' | b'\n') {
        at += 1;
    }
    at
}

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES * 128;

/// A string whose opening quote is at `at`.
#[inline(always)]
pub(crate) fn string(text: &[u8], at: usize) -> Scan<Quoted> {
    let start = at + 1;
    let mut at = start;
    let mut escaped = false;
    loop {
        // Eight bytes at a time: the lowest marked byte of each mask is exact, so is the lowest of all.
        while let Some(word) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_le_bytes(*word);
            let quotes = word ^ (ONES * b'"' as u64);
            let slashes = word ^ (ONES * b'\\' as u64);
            let marks = (quotes.wrapping_sub(ONES) & !quotes)
                | (slashes.wrapping_sub(ONES) & !slashes)
                | (word.wrapping_sub(ONES * 0x20) & !word);
            let marks = marks & HIGHS;
            if marks != 0 {
                at += (marks.trailing_zeros() / 8) as usize;
                break;
            }
            at += 8;
        }
        match byte(text, at) {
            b'"' => return Ok(Quoted { start, end: at, escaped, next: at + 1 }),
            b'\\' => {
                escaped = true;
                at = escape(text, at)?;
            }
            0..0x20 => return Err((Reason::InvalidJson, at)),
            _ => at += 1,
        }
    }
}

/// Steps over one escape.
fn escape(text: &[u8], at: usize) -> Scan<usize> {
    match byte(text, at + 1) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
        b'u' if hex4(text, at + 2).is_some() => Ok(at + 6),
        _ => Err((Reason::InvalidJson, at + 1)),
    }
}

fn hex4(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4)?;
    digits.iter().try_fold(0, |code, &digit| Some(code * 16 + char::from(digit).to_digit(16)?))
}

/// Appends the content of a string that [`string`] accepted, its escapes resolved. A lone surrogate
/// becomes U+FFFD.
pub(crate) fn unescape(content: &str, into: &mut String) {
    let mut rest = content;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        into.push_str(rest.get(..at).unwrap_or(""));
        let code = |at| hex4(rest.as_bytes(), at).unwrap_or(0xFFFD);
        let (letter, length) = match byte(rest.as_bytes(), at + 1) {
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            b'n' => ('\n', 2),
            b'r' => ('\r', 2),
            b't' => ('\t', 2),
            b'u' => match code(at + 2) {
                high @ 0xD800..0xDC00 if rest.get(at + 6..at + 8) == Some("\\u") => {
                    match code(at + 8) {
                        low @ 0xDC00..0xE000 => {
                            let both = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                            (char::from_u32(both).unwrap_or('\u{FFFD}'), 12)
                        }
                        _ => ('\u{FFFD}', 6),
                    }
                }
                code => (char::from_u32(code).unwrap_or('\u{FFFD}'), 6),
            },
            other => (char::from(other), 2),
        };
        into.push(letter);
        rest = rest.get(at + length..).unwrap_or("");
    }
    into.push_str(rest);
}

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// A number that begins at `at`: its value and what comes after it. Out of range reads as infinite.
#[inline(always)]
pub(crate) fn number(text: &[u8], at: usize) -> Scan<(f64, usize)> {
    let begin = at;
    let negative = byte(text, at) == b'-';
    let whole = at + usize::from(negative);
    let mut at = whole;
    let mut mantissa = 0u64;
    while let digit @ 0..10 = byte(text, at).wrapping_sub(b'0') {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    let mut digits = at - whole;
    if digits == 0 || (digits > 1 && byte(text, whole) == b'0') {
        return special(text, begin);
    }
    let mut exponent = 0i32;
    if byte(text, at) == b'.' {
        let point = at + 1;
        at = point;
        while let digit @ 0..10 = byte(text, at).wrapping_sub(b'0') {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            at += 1;
        }
        let places = at - point;
        if places == 0 {
            return Err((Reason::InvalidJson, at));
        }
        digits += places;
        exponent = -(places.min(1000) as i32);
    }
    if matches!(byte(text, at), b'e' | b'E') {
        at += 1 + usize::from(matches!(byte(text, at + 1), b'+' | b'-'));
        if !byte(text, at).is_ascii_digit() {
            return Err((Reason::InvalidJson, at));
        }
        while byte(text, at).is_ascii_digit() {
            at += 1;
        }
        digits = usize::MAX;
    }
    // Clinger's fast path: both factors are exact, so one rounding gives the nearest double.
    let power = EXACT_POWERS.get(exponent.unsigned_abs() as usize);
    if let (Some(power), true) = (power, digits <= 19 && mantissa <= 1 << 53) {
        let value = mantissa as f64 / power;
        return Ok((if negative { -value } else { value }, at));
    }
    Ok((slow_number(text, begin, at), at))
}

#[cold]
fn slow_number(text: &[u8], from: usize, to: usize) -> f64 {
    let digits = text.get(from..to).and_then(|bytes| std::str::from_utf8(bytes).ok());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(f64::NAN)
}

#[cold]
fn special(text: &[u8], at: usize) -> Scan<(f64, usize)> {
    const SPECIALS: [(&[u8], f64); 3] =
        [(b"NaN", f64::NAN), (b"Infinity", f64::INFINITY), (b"-Infinity", f64::NEG_INFINITY)];
    let rest = text.get(at..).unwrap_or(&[]);
    let found = SPECIALS.iter().find(|(word, _)| rest.starts_with(word));
    found.map(|(word, value)| (*value, at + word.len())).ok_or((Reason::InvalidJson, at))
}

/// `true`, `false` or `null`, whichever `word` is.
#[inline(always)]
pub(crate) fn word(text: &[u8], at: usize, word: &[u8]) -> Scan<usize> {
    let end = at + word.len();
    if text.get(at..end) == Some(word) { Ok(end) } else { Err((Reason::InvalidJson, at)) }
}

/// Steps over a value without nesting.
#[inline(always)]
fn skip_scalar(text: &[u8], at: usize) -> Scan<usize> {
    match byte(text, at) {
        b'"' => string(text, at).map(|quoted| quoted.next),
        b't' => word(text, at, b"true"),
        b'f' => word(text, at, b"false"),
        b'n' => word(text, at, b"null"),
        _ => number(text, at).map(|(_, next)| next),
    }
}

/// Steps over any value. `depth` objects and lists are open around it; `open` is scratch.
pub(crate) fn skip_value(
    text: &[u8],
    mut at: usize,
    depth: usize,
    depth_max: usize,
    open: &mut Vec<u8>,
) -> Scan<usize> {
    open.clear();
    loop {
        // A value begins here.
        let opening = byte(text, at);
        if matches!(opening, b'{' | b'[') {
            if depth + open.len() >= depth_max {
                return Err((Reason::TooDeep, at));
            }
            open.push(opening);
            at = skip_space(text, at + 1);
            if byte(text, at) != opening + 2 {
                if opening == b'{' {
                    at = key(text, at)?;
                }
                continue;
            }
        } else {
            at = skip_scalar(text, at)?;
            if open.is_empty() {
                return Ok(at);
            }
            at = skip_space(text, at);
        }
        // A value has ended, or an empty object or list stands before its end.
        loop {
            let Some(&opening) = open.last() else { return Ok(at) };
            // In ASCII a closing bracket is two after its opening one.
            let found = byte(text, at);
            if found == opening + 2 {
                open.pop();
                at += 1;
                if open.is_empty() {
                    return Ok(at);
                }
                at = skip_space(text, at);
            } else if found == b',' {
                at = skip_space(text, at + 1);
                if opening == b'{' {
                    at = key(text, at)?;
                }
                break;
            } else {
                return Err((Reason::InvalidJson, at));
            }
        }
    }
}

/// Steps over a key, its colon and the space up to the value.
fn key(text: &[u8], at: usize) -> Scan<usize> {
    if byte(text, at) != b'"' {
        return Err((Reason::InvalidJson, at));
    }
    let at = skip_space(text, string(text, at)?.next);
    if byte(text, at) != b':' {
        return Err((Reason::InvalidJson, at));
    }
    Ok(skip_space(text, at + 1))
}
