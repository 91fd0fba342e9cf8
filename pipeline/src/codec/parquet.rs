//! Parquet: a row group is the unit that decodes on its own. Only the configured leaves are read.
//!
//! Strings are asked for as dictionaries, so a text is not copied for each row. Memory: pages of the
//! wanted columns and a few thousand rows, not the row group. Not here: opening files (`source`); the
//! file in a unit is read by that unit alone.

use std::fs::File;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::arrow_rows::{BATCH_ROWS, Context, RowReader, wanted_columns};
use super::guard::guarded;
use super::plan::Plan;
use crate::model::{Batch, Reason, Reject};

/// One row group of one file.
#[derive(Debug, Clone)]
pub struct RowGroup {
    /// Input partition.
    pub partition: u32,
    /// Number of its first row in the file.
    pub first_offset: u64,
    /// Its number in the file.
    pub group: usize,
    /// The file, opened for this unit: its position is shared with nobody.
    pub file: Arc<File>,
    /// Name of the file, for rejects.
    pub name: Arc<str>,
    /// The file's footer.
    pub metadata: Arc<ParquetMetaData>,
}

/// What was worked out for one file.
#[derive(Debug)]
struct Opened {
    footer: Arc<ParquetMetaData>,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
}

/// Reads row groups; remembers the last file.
#[derive(Debug, Default)]
pub(crate) struct GroupReader {
    opened: Option<Opened>,
}

impl GroupReader {
    /// Decodes a row group. What cannot be read ends it with one reject.
    pub(crate) fn read(
        &mut self,
        unit: &RowGroup,
        rows: &mut RowReader,
        context: &mut Context<'_>,
        emit: &mut dyn FnMut(Batch),
    ) {
        let mut offset = unit.first_offset;
        if let Err(error) = self.rows(unit, rows, context, &mut offset, emit) {
            let detail = format!("row group {}, after row {offset}: {error}", unit.group);
            let reject = bad_file(unit.partition, offset, &unit.name, detail);
            emit(Batch { rejects: vec![reject], ..rows.empty(context, unit.partition) });
        }
    }

    fn rows(
        &mut self,
        unit: &RowGroup,
        rows: &mut RowReader,
        context: &mut Context<'_>,
        offset: &mut u64,
        emit: &mut dyn FnMut(Batch),
    ) -> Result<(), ParquetError> {
        let known = |opened: &Opened| Arc::ptr_eq(&opened.footer, &unit.metadata);
        let opened = match self.opened.take().filter(known) {
            Some(opened) => opened,
            None => guarded(|| Opened::new(context.plan, &unit.metadata))
                .map_err(ParquetError::General)??,
        };
        let opened = self.opened.insert(opened);
        let file = unit.file.try_clone()?;
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, opened.metadata.clone())
                .with_projection(opened.mask.clone())
                .with_row_groups(vec![unit.group])
                .with_batch_size(BATCH_ROWS);
        let broken = ParquetError::General;
        let mut reader = guarded(|| builder.build()).map_err(broken)??;
        while let Some(batch) = guarded(|| reader.next()).map_err(broken)? {
            let batch = batch?;
            rows.read(context, unit.partition, *offset, &batch, emit);
            *offset += batch.num_rows() as u64;
        }
        Ok(())
    }
}

impl Opened {
    fn new(plan: &Plan, footer: &Arc<ParquetMetaData>) -> Result<Self, ParquetError> {
        let plain = ArrowReaderMetadata::try_new(Arc::clone(footer), ArrowReaderOptions::new())?;
        let schema = plain.schema();
        let wanted = wanted_columns(plan, schema);
        if wanted.is_empty() {
            // Rows without columns would be as many as the footer says, true or not.
            let problem = "none of the configured paths is a column of this file";
            return Err(ParquetError::General(problem.into()));
        }
        let leaves = wanted.iter().flat_map(|(_, path)| leaves_at(schema.fields(), path));
        let mask = ProjectionMask::leaves(plain.parquet_schema(), leaves);
        let labels: Vec<&[usize]> = wanted
            .iter()
            .filter(|(node, _)| Some(*node) != plan.id)
            .map(|(_, path)| path.as_slice())
            .collect();
        let fields = with_dictionaries(schema.fields(), &labels);
        let hint = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        let options = ArrowReaderOptions::new().with_schema(hint);
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(footer), options).unwrap_or(plain);
        Ok(Self { footer: Arc::clone(footer), metadata, mask })
    }
}

/// The reject for a place where a file cannot be read on.
pub(crate) fn bad_file(partition: u32, offset: u64, name: &str, mut detail: String) -> Reject {
    detail.truncate(detail.floor_char_boundary(super::DETAIL_BYTES));
    let excerpt = name.chars().take(super::EXCERPT_CHARS).collect();
    Reject { reason: Reason::BadFile, partition, offset, detail, excerpt }
}

/// Number of Parquet leaves of a type.
fn leaf_count(kind: &DataType) -> usize {
    match kind {
        DataType::Struct(fields) => fields.iter().map(|field| leaf_count(field.data_type())).sum(),
        DataType::List(inner)
        | DataType::LargeList(inner)
        | DataType::ListView(inner)
        | DataType::LargeListView(inner)
        | DataType::FixedSizeList(inner, _)
        | DataType::Map(inner, _) => leaf_count(inner.data_type()),
        _ => 1,
    }
}

/// The leaves of the column at `path`, numbered over the whole file.
fn leaves_at(fields: &Fields, path: &[usize]) -> Vec<usize> {
    let Some((&place, inner)) = path.split_first() else { return Vec::new() };
    let Some(field) = fields.get(place) else { return Vec::new() };
    let before: usize = fields.iter().take(place).map(|field| leaf_count(field.data_type())).sum();
    let within = match (field.data_type(), inner) {
        (DataType::Struct(fields), [_, ..]) => leaves_at(fields, inner),
        (kind, _) => (0..leaf_count(kind)).collect(),
    };
    within.into_iter().map(|leaf| before + leaf).collect()
}

/// The fields with every string column at one of `paths` as a dictionary.
fn with_dictionaries(fields: &Fields, paths: &[&[usize]]) -> Fields {
    let hinted = fields.iter().enumerate().map(|(place, field)| {
        let below: Vec<&[usize]> = paths
            .iter()
            .filter_map(|path| path.split_first().filter(|(first, _)| **first == place))
            .map(|(_, inner)| inner)
            .collect();
        let kind = match field.data_type() {
            kind if below.is_empty() => kind.clone(),
            DataType::Struct(fields) => DataType::Struct(with_dictionaries(fields, &below)),
            kind if kind.is_string() => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            kind => kind.clone(),
        };
        Arc::new(Field::clone(field).with_data_type(kind))
    });
    hinted.collect()
}
