//! A batch in the making: where codecs put what they find.
//!
//! A record is judged here, alike for all formats, once it was read as a whole: it becomes one event or
//! leaves no trace but its reject. Not here: formats.

use std::ops::Range;

use super::bad_record::BadRecord;
use super::columns::Columns;
use super::field_values::FieldValues;
use super::message::Message;
use super::path_tree::PathTree;
use super::rules::{LayoutError, Rules, TimeBounds};
use super::setup::Setup;
use crate::model::{Batch, Layout, Limits, Reason, Reject};

/// Finds the configured fields in the records of a text format.
pub trait ScanRecord {
    /// Reads the record at `text[record]` into `values`, which are empty. The text before the record is of
    /// other records; behind it, too, if there is any. Positions in `values` are bytes in `text`.
    ///
    /// # Errors
    /// Where the record is not of the format.
    fn scan(
        &mut self,
        paths: &PathTree,
        text: &str,
        record: Range<usize>,
        values: &mut FieldValues,
    ) -> Result<(), BadRecord>;
}

/// Builds batches, one after another, of one layout.
#[derive(Debug)]
pub struct BatchBuilder {
    partition: u32,
    rules: Rules,
    /// The bound of event time without that of a message.
    not_after_us: i64,
    values: FieldValues,
    columns: Columns,
}

/// How far a batch was when a message began.
#[derive(Debug)]
pub(crate) struct MessageMark {
    rows: usize,
    rejects: usize,
}

impl BatchBuilder {
    /// Builds batches of a layout. Events before `not_before_us` and at or after `not_after_us`
    /// (microseconds since 1970) are rejects.
    pub(crate) fn new(
        layout: &Layout,
        limits: &Limits,
        not_before_us: i64,
        not_after_us: i64,
    ) -> Result<Self, LayoutError> {
        let rules = Rules::new(layout, limits, TimeBounds { not_before_us, not_after_us })?;
        Ok(Self {
            partition: 0,
            not_after_us,
            values: FieldValues::new(&rules.paths),
            columns: Columns::new(&rules.paths),
            rules,
        })
    }

    /// What decoders for these batches are made for.
    pub(crate) fn setup(&self) -> Setup<'_> {
        Setup { paths: &self.rules.paths, limits: &self.rules.limits }
    }

    /// What comes next is of this partition.
    pub(crate) fn begin(&mut self, partition: u32) {
        self.partition = partition;
    }

    /// What comes next is of this message.
    #[inline]
    pub(crate) fn begin_message(&mut self, message: &Message<'_>) -> MessageMark {
        self.rules.bounds.not_after_us = match message.not_after_us {
            Some(us) => self.not_after_us.min(us.saturating_add(1)),
            None => self.not_after_us,
        };
        MessageMark { rows: self.columns.rows(), rejects: self.columns.rejects.len() }
    }

    /// Forgets what a message added, and rejects it.
    #[cold]
    pub(crate) fn drop_message(
        &mut self,
        begun: &MessageMark,
        bad: BadRecord,
        message: &Message<'_>,
    ) {
        if self.columns.rows() > begun.rows {
            self.columns.truncate(begun.rows);
        }
        self.columns.rejects.truncate(begun.rejects);
        self.reject(bad, message.offset, message.value);
    }

    /// For codecs whose records are columns already.
    pub(crate) fn rules(&mut self) -> &mut Rules {
        &mut self.rules
    }

    /// The configured paths.
    pub fn paths(&self) -> &PathTree {
        &self.rules.paths
    }

    /// Bounds of records.
    pub fn limits(&self) -> &Limits {
        &self.rules.limits
    }

    /// Whether a record may have so many bytes.
    ///
    /// # Errors
    /// Where it may not.
    #[inline]
    pub fn check_length(&self, bytes: usize) -> Result<(), BadRecord> {
        if bytes > self.rules.limits.record_bytes_max {
            let detail = format!("more than {} bytes", self.rules.limits.record_bytes_max);
            return Err(BadRecord::new(Reason::TooLong, detail));
        }
        Ok(())
    }

    /// Adds the record at `text[record]` as an event, or says why it is none. `offset` is its number in its
    /// partition. Its length was checked before.
    ///
    /// # Errors
    /// Where it is no event; nothing was added then.
    #[inline]
    pub fn add(
        &mut self,
        scanner: &mut impl ScanRecord,
        text: &str,
        record: Range<usize>,
        offset: u64,
    ) -> Result<(), BadRecord> {
        let Self { rules, values, columns, .. } = self;
        values.clear();
        scanner.scan(&rules.paths, text, record, values)?;
        values.commit(text, offset, rules, columns)
    }

    /// Adds a reject; `record` is what it shows the beginning of.
    pub fn reject(&mut self, bad: BadRecord, offset: u64, record: &[u8]) {
        self.columns.rejects.push(bad.into_reject(self.partition, offset, record));
    }

    pub(crate) fn push_reject(&mut self, reject: Reject) {
        self.columns.rejects.push(reject);
    }

    pub(crate) fn rejects(&self) -> &[Reject] {
        &self.columns.rejects
    }

    /// Events so far.
    pub fn rows(&self) -> usize {
        self.columns.rows()
    }

    /// The events and rejects since the last batch.
    pub fn finish(&mut self) -> Batch {
        self.columns.finish(self.partition)
    }
}

/// The record as text.
pub(crate) fn checked_utf8(record: &[u8]) -> Result<&str, BadRecord> {
    std::str::from_utf8(record).map_err(|error| {
        BadRecord::new(Reason::InvalidUtf8, format!("at byte {}", error.valid_up_to()))
    })
}
