//! What was decoded and waits for the engine, file by file, and which rows of it are next.
//!
//! A block may span days, so that files are merged by rows and not by blocks: the engine gets those of the
//! file that is furthest behind, as long as they are not too far ahead of the other files. What it finds
//! does not depend on it, since an event is late by its own file's clock only; but how many panes are open
//! does.

use std::collections::VecDeque;

use crate::engine::{Engine, Input};
use crate::model::Batch;

/// Decoded files.
pub(super) struct Feed {
    files: Vec<File>,
    /// How far a file may be ahead of the slowest of the others, microseconds of event time.
    apart_us: i64,
}

struct File {
    /// Batches, the first of them from a row on.
    batches: VecDeque<Batch>,
    from: usize,
    /// No more batches come.
    is_read: bool,
    is_closed: bool,
    /// Where it begins.
    begin_us: i64,
}

impl Feed {
    /// Of files that begin at these times, where that is known.
    pub(super) fn new(begins_us: &[Option<i64>], engine: &Engine) -> Self {
        let settings = engine.settings();
        let file = |begin_us: &Option<i64>| File {
            batches: VecDeque::new(),
            from: 0,
            is_read: false,
            is_closed: false,
            begin_us: begin_us.unwrap_or(i64::MIN),
        };
        let panes = settings.time.panes_apart(&settings.limits);
        Self {
            files: begins_us.iter().map(file).collect(),
            apart_us: panes.saturating_mul(settings.time.pane_us),
        }
    }

    /// Takes what was decoded of a file.
    pub(super) fn add(&mut self, file: u32, batches: Vec<Batch>, is_read: bool) {
        let file = &mut self.files[file as usize];
        file.batches.extend(batches);
        file.is_read |= is_read;
    }

    /// Gives all inputs that the engine may take by now to `take`, which gives them to the engine.
    pub(super) fn give<E>(
        &mut self,
        engine: &mut Engine,
        mut take: impl FnMut(&mut Engine, Input<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some((partition, others_us)) = self.slowest(engine) {
            let file = &mut self.files[partition as usize];
            let Some(batch) = file.batches.front() else {
                if file.is_read {
                    file.is_closed = true;
                    take(engine, Input::Closed { partition })?;
                    continue;
                }
                return Ok(());
            };
            let times = &batch.time_us[file.from..];
            let most_us = others_us.saturating_add(self.apart_us);
            let near = times.iter().position(|us| *us > most_us).unwrap_or(times.len());
            // The first is always taken: without it this file would never be ahead.
            let to = file.from + near.max(1).min(times.len());
            if file.from == 0 && to == batch.rows() {
                take(engine, Input::Batch(batch))?;
            } else {
                take(engine, Input::Batch(&batch.slice(file.from..to)))?;
            }
            file.from = to;
            if to == batch.rows() {
                file.batches.pop_front();
                file.from = 0;
            }
        }
        Ok(())
    }

    /// The open file that is furthest behind, and how far the slowest of the others has come.
    fn slowest(&self, engine: &Engine) -> Option<(u32, i64)> {
        let open = (0u32..).zip(&self.files).filter(|(_, file)| !file.is_closed);
        let reached = open
            .map(|(at, file)| (engine.reached_us(at).unwrap_or(i64::MIN).max(file.begin_us), at));
        let mut slowest: Option<(i64, u32)> = None;
        let mut others_us = i64::MAX;
        for file in reached {
            match slowest {
                Some(behind) if behind <= file => others_us = others_us.min(file.0),
                Some(behind) => {
                    others_us = others_us.min(behind.0);
                    slowest = Some(file);
                }
                None => slowest = Some(file),
            }
        }
        slowest.map(|(_, at)| (at, others_us))
    }
}
