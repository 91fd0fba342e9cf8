//! JSON records, one at a time: finds the configured values, validates the rest.
//!
//! Records of one writer look alike. What stands between two values (`,"usage":{"input_tokens":`) is
//! a *glue*; a record is glue, value, glue, value, .., glue. The scanner remembers each glue with
//! what it led to and which glues came next. Where the next bytes equal a remembered glue they are
//! not parsed again: the keys are known, the nesting too. Anything new is parsed by the grammar.
//! Invariant: a glue is remembered together with the objects that were open before it, so equal bytes
//! mean the same; memory never changes a result. Not here: what values mean (`field_values`).

use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

use foldhash::HashMap;
use foldhash::fast::FixedState;

use super::bad_record::BadRecord;
use super::batch_builder::ScanRecord;
use super::field_values::{FieldValue, FieldValues};
use super::json_text::{self, Scan, bad_json, byte, number, skip_space, skip_value, string, word};
use super::path_tree::{NodeId, PathTree};
use crate::model::Reason;

/// Longest glue that is remembered, in words of 8 bytes.
const GLUE_WORDS: usize = 6;
/// Glues remembered at once; beyond, all are forgotten.
const STEPS_MAX: usize = 1024;
/// Followers tried for each glue.
const FOLLOWERS: usize = 4;
/// Once all places for followers are taken, one in this many new followers replaces one.
const REPLACE_EVERY: u32 = 32;
const NONE: u16 = u16::MAX;
/// The step before a record's first glue.
const BEGIN: u16 = 0;
/// The step that stands for a glue that is not remembered.
const UNKNOWN: u16 = 1;

/// A glue and what comes after it.
#[derive(Debug, Clone)]
struct GlueStep {
    words: [u64; GLUE_WORDS],
    mask_last: u64,
    word_count: usize,
    bytes: usize,
    /// Configured node of the value that follows; none = a value to step over.
    node: Option<NodeId>,
    /// Configured fields lie below that node: not this step if the value is an object.
    branches: bool,
    /// A vector metric ends at that node.
    vector: bool,
    /// The record ends here.
    last: bool,
    /// Objects that are open before and after the glue, outermost first.
    open_before: Vec<NodeId>,
    open: Vec<NodeId>,
    followers: [u16; FOLLOWERS],
}

impl GlueStep {
    fn new() -> Self {
        Self {
            words: [0; GLUE_WORDS],
            mask_last: 0,
            word_count: 0,
            bytes: 0,
            node: None,
            branches: false,
            vector: false,
            last: false,
            open_before: Vec::new(),
            open: Vec::new(),
            followers: [NONE; FOLLOWERS],
        }
    }

    /// Whether the glue stands at `at`. `text` may go on behind the record, which ends at `end`.
    #[inline(always)]
    fn matches(&self, text: &[u8], at: usize, end: usize) -> bool {
        let after = at + self.bytes;
        if after > end {
            return false;
        }
        let equal = match text.get(at..at + self.word_count * 8) {
            Some(window) => {
                let mut difference = 0;
                let mut last = 0;
                for (word, bytes) in self.words.iter().zip(window.as_chunks::<8>().0) {
                    difference |= last;
                    last = word ^ u64::from_le_bytes(*bytes);
                }
                difference | (last & self.mask_last) == 0
            }
            None => text.get(at..after).is_some_and(|window| {
                window
                    .iter()
                    .zip(self.words.iter().flat_map(|word| word.to_le_bytes()))
                    .all(|(a, b)| *a == b)
            }),
        };
        equal && !(self.branches && byte(text, skip_space(text, after)) == b'{')
    }
}

/// Reads records, always by the same paths.
#[derive(Debug)]
pub(crate) struct JsonScanner {
    depth_max: usize,
    steps: Vec<GlueStep>,
    known: HashMap<u64, u16>,
    hasher: FixedState,
    misses: u32,
    /// Scratch of [`skip_value`].
    open_values: Vec<u8>,
    /// Scratch: the key with its escapes resolved.
    key: String,
}

impl JsonScanner {
    pub(crate) fn new(depth_max: usize) -> Self {
        Self {
            depth_max,
            steps: vec![GlueStep::new(); 2],
            known: HashMap::default(),
            hasher: FixedState::with_seed(0),
            misses: 0,
            open_values: Vec::new(),
            key: String::new(),
        }
    }

    #[inline]
    fn walk(
        &mut self,
        paths: &PathTree,
        whole: &str,
        start: usize,
        end: usize,
        values: &mut FieldValues,
    ) -> Scan<()> {
        // Only comparing a glue may look behind the end of the record.
        let text = whole.as_bytes().get(..end).unwrap_or(&[]);
        let mut at = start;
        let mut current = BEGIN;
        loop {
            let next = match self.predict(current, whole.as_bytes(), at, end) {
                Some(next) => next,
                None => self.parse_glue(paths, whole, current, at, end, values)?,
            };
            let step = &self.steps[usize::from(next)];
            at = skip_space(text, at + step.bytes);
            if step.last {
                return if at == end { Ok(()) } else { Err((Reason::InvalidJson, at)) };
            }
            let (node, is_vector, depth) = (step.node, step.vector, step.open.len());
            let (value, after) = match byte(text, at) {
                b'"' => {
                    let quoted = string(text, at)?;
                    let value = match node {
                        Some(_) if quoted.escaped => {
                            let start = values.unescaped.len();
                            let content = whole.get(quoted.start..quoted.end).unwrap_or("");
                            json_text::unescape(content, &mut values.unescaped);
                            FieldValue::Text { start, end: values.unescaped.len(), unescaped: true }
                        }
                        _ => FieldValue::Text {
                            start: quoted.start,
                            end: quoted.end,
                            unescaped: false,
                        },
                    };
                    (value, quoted.next)
                }
                b't' => (FieldValue::Bool(true), word(text, at, b"true")?),
                b'f' => (FieldValue::Bool(false), word(text, at, b"false")?),
                b'n' => (FieldValue::Null, word(text, at, b"null")?),
                b'[' if is_vector => {
                    let start = values.entries.len();
                    let (open, entries) = (&mut self.open_values, &mut values.entries);
                    let after = vector(text, at, depth, self.depth_max, open, entries)?;
                    (FieldValue::Vector { start, end: values.entries.len() }, after)
                }
                b'{' | b'[' => {
                    let open = &mut self.open_values;
                    (FieldValue::Composite, skip_value(text, at, depth, self.depth_max, open)?)
                }
                _ => {
                    let (value, after) = number(text, at)?;
                    (FieldValue::Number { value, start: at, end: after }, after)
                }
            };
            if let Some(node) = node {
                values.set(node, value);
            }
            at = after;
            current = next;
        }
    }

    /// The remembered follower of `current` that stands at `at`. The last one found is tried first.
    #[inline(always)]
    fn predict(&mut self, current: u16, text: &[u8], at: usize, end: usize) -> Option<u16> {
        let followers = self.steps[usize::from(current)].followers;
        for (place, &follower) in followers.iter().enumerate() {
            if follower == NONE {
                return None;
            }
            if self.steps[usize::from(follower)].matches(text, at, end) {
                if place > 0 {
                    self.steps[usize::from(current)].followers.swap(0, place);
                }
                return Some(follower);
            }
        }
        None
    }

    /// Parses the glue at `at` by the grammar and remembers it.
    #[inline(never)]
    fn parse_glue(
        &mut self,
        paths: &PathTree,
        whole: &str,
        current: u16,
        at: usize,
        end: usize,
        values: &mut FieldValues,
    ) -> Scan<u16> {
        let open_before = self.steps[usize::from(current)].open.clone();
        let mut step = GlueStep { open: open_before.clone(), open_before, ..GlueStep::new() };
        let text = whole.as_bytes().get(..end).unwrap_or(&[]);
        let (after, plain) = self.grammar(paths, whole, text, at, &mut step, values)?;
        let glue = text.get(at..after).unwrap_or(&[]);
        step.bytes = glue.len();
        if !plain || glue.len() > GLUE_WORDS * 8 {
            self.steps[usize::from(UNKNOWN)] = step;
            return Ok(UNKNOWN);
        }
        for (word, bytes) in step.words.iter_mut().zip(glue.chunks(8)) {
            let mut padded = [0; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_le_bytes(padded);
        }
        step.word_count = glue.len().div_ceil(8);
        step.mask_last = u64::MAX >> (step.word_count * 64 - glue.len() * 8);
        Ok(self.remember(current, step))
    }

    /// The number of this step, new or known, noted as a follower of `current`.
    fn remember(&mut self, current: u16, step: GlueStep) -> u16 {
        let mut hasher = self.hasher.build_hasher();
        for word in step.words {
            hasher.write_u64(word);
        }
        hasher.write_u64(u64::from(step.node.unwrap_or(NONE)));
        for &open in &step.open_before {
            hasher.write_u16(open);
        }
        let hash = hasher.finish();
        let same = |known: &GlueStep| {
            known.words == step.words
                && known.bytes == step.bytes
                && known.open_before == step.open_before
                && known.node == step.node
                && known.open == step.open
        };
        let number = match self.known.get(&hash) {
            Some(&number) if same(&self.steps[usize::from(number)]) => number,
            None if self.steps.len() < STEPS_MAX => {
                let number = self.steps.len() as u16;
                self.steps.push(step);
                self.known.insert(hash, number);
                number
            }
            _ => {
                self.steps[usize::from(UNKNOWN)] = step;
                return UNKNOWN;
            }
        };
        if current != UNKNOWN {
            self.misses = self.misses.wrapping_add(1);
            let followers = &mut self.steps[usize::from(current)].followers;
            if let Some(free) = followers.iter_mut().find(|follower| **follower == NONE) {
                *free = number;
            } else if self.misses.is_multiple_of(REPLACE_EVERY) {
                followers[FOLLOWERS - 1] = number;
            }
        }
        number
    }

    /// From `at`, behind a value or before the record, up to the next value that is read or stepped
    /// over. Says whether the glue may be remembered: not if it opened an object that is itself wanted.
    fn grammar(
        &mut self,
        paths: &PathTree,
        whole: &str,
        text: &[u8],
        at: usize,
        step: &mut GlueStep,
        values: &mut FieldValues,
    ) -> Scan<(usize, bool)> {
        let mut at = skip_space(text, at);
        let mut plain = true;
        let mut opened = step.open.is_empty();
        if opened {
            if byte(text, at) != b'{' {
                return Err(self.not_an_object(text, at));
            }
            if self.depth_max == 0 {
                return Err((Reason::TooDeep, at));
            }
            step.open.push(0);
            at += 1;
        }
        loop {
            at = skip_space(text, at);
            match byte(text, at) {
                b'}' => {
                    step.open.pop();
                    opened = false;
                    at += 1;
                    if step.open.is_empty() {
                        step.last = true;
                        return Ok((at, plain));
                    }
                    continue;
                }
                b',' if !opened => at = skip_space(text, at + 1),
                _ if opened => {}
                _ => return Err((Reason::InvalidJson, at)),
            }
            let object = step.open.last().copied().unwrap_or(PathTree::RECORD);
            let (node, value) = self.key(paths, whole, text, at, object)?;
            at = value;
            if let Some(node) = node
                && byte(text, at) == b'{'
                && paths.node(node).branches()
            {
                if step.open.len() >= self.depth_max {
                    return Err((Reason::TooDeep, at));
                }
                if paths.node(node).wanted {
                    values.set(node, FieldValue::Composite);
                    plain = false;
                }
                step.open.push(node);
                opened = true;
                at += 1;
                continue;
            }
            step.branches = node.is_some_and(|node| paths.node(node).branches());
            step.vector = node.is_some_and(|node| paths.node(node).vector);
            step.node = node.filter(|&node| paths.node(node).wanted);
            return Ok((at, plain));
        }
    }

    /// The key at `at` and its colon: the node that it leads to from `object`, and where its value is.
    fn key(
        &mut self,
        paths: &PathTree,
        whole: &str,
        text: &[u8],
        at: usize,
        object: NodeId,
    ) -> Scan<(Option<NodeId>, usize)> {
        if byte(text, at) != b'"' {
            return Err((Reason::InvalidJson, at));
        }
        let key = string(text, at)?;
        let colon = skip_space(text, key.next);
        if byte(text, colon) != b':' {
            return Err((Reason::InvalidJson, colon));
        }
        let mut name = whole.get(key.start..key.end).unwrap_or("");
        if key.escaped {
            self.key.clear();
            json_text::unescape(name, &mut self.key);
            name = &self.key;
        }
        Ok((paths.child(object, name.as_bytes()), skip_space(text, colon + 1)))
    }

    #[cold]
    fn not_an_object(&mut self, text: &[u8], at: usize) -> (Reason, usize) {
        match skip_value(text, at, 0, self.depth_max, &mut self.open_values) {
            Ok(after) => match skip_space(text, after) {
                end if end == text.len() => (Reason::NotAnObject, at),
                end => (Reason::InvalidJson, end),
            },
            Err(wrong) => wrong,
        }
    }
}

impl ScanRecord for JsonScanner {
    #[inline]
    fn scan(
        &mut self,
        paths: &PathTree,
        text: &str,
        record: Range<usize>,
        values: &mut FieldValues,
    ) -> Result<(), BadRecord> {
        if self.steps.len() >= STEPS_MAX {
            *self = Self::new(self.depth_max);
        }
        let Range { start, end } = record;
        self.walk(paths, text, start, end, values)
            .map_err(|(reason, at)| bad_json((reason, at.saturating_sub(start))))
    }
}

/// The list at `at` as entries of a vector, what is no number as NaN; gives what comes after it.
/// `open` is scratch.
pub(crate) fn vector(
    text: &[u8],
    at: usize,
    depth: usize,
    depth_max: usize,
    open: &mut Vec<u8>,
    entries: &mut Vec<f32>,
) -> Scan<usize> {
    if depth >= depth_max {
        return Err((Reason::TooDeep, at));
    }
    if byte(text, at) != b'[' {
        return Err((Reason::InvalidJson, at));
    }
    let mut at = skip_space(text, at + 1);
    if byte(text, at) == b']' {
        return Ok(at + 1);
    }
    loop {
        let entry = match byte(text, at) {
            b'0'..=b'9' | b'-' => {
                let (value, after) = number(text, at)?;
                at = after;
                value as f32
            }
            _ => {
                at = skip_value(text, at, depth + 1, depth_max, open)?;
                f32::NAN
            }
        };
        entries.push(entry);
        at = skip_space(text, at);
        match byte(text, at) {
            b',' => at = skip_space(text, at + 1),
            b']' => return Ok(at + 1),
            _ => return Err((Reason::InvalidJson, at)),
        }
    }
}

#[cfg(test)]
#[path = "json_scanner_tests.rs"]
mod tests;
