//! Row groups of Parquet files, which decode on their own. Only the configured leaves are read.
//!
//! Strings are asked for as dictionaries, so a text is not copied for each row. Memory: pages of the
//! wanted columns and a few thousand rows, not the row group. Not here: opening files (`source`); the
//! file in a unit is read by that unit alone.

use std::fs::File;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::arrow_rows::{RowReader, wanted_columns};
use super::bad_record::bad_file;
use super::block::Block;
use super::group_rows::GroupRows;
use super::guard::guarded;
use super::path_tree::PathTree;
use super::rules::Rules;
use crate::model::Batch;

/// One row group of one file: the content of a block.
#[derive(Debug)]
pub(crate) struct RowGroup {
    /// Its number in the file.
    pub(crate) group: usize,
    /// The file, opened for this block: its position is shared with nobody.
    pub(crate) file: Arc<File>,
    /// Name of the file, for rejects.
    pub(crate) name: Arc<str>,
    /// The file's footer.
    pub(crate) metadata: Arc<ParquetMetaData>,
}

/// What was worked out for one file.
#[derive(Debug)]
struct Opened {
    footer: Arc<ParquetMetaData>,
    levels: Arc<FieldLevels>,
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
        block: &Block,
        group: &RowGroup,
        rows: &mut RowReader,
        rules: &mut Rules,
        emit: &mut dyn FnMut(Batch),
    ) {
        let (partition, mut offset) = (block.partition, block.first_offset);
        let mut read = |rules: &mut Rules, offset: u64, batch: &RecordBatch| {
            rows.read(rules, partition, offset, batch, emit);
        };
        if let Err(error) = self.rows(group, rules, &mut offset, &mut read) {
            let detail = format!("row group {}, after row {offset}: {error}", group.group);
            let reject = bad_file(partition, offset, &group.name, detail);
            emit(Batch { rejects: vec![reject], ..rows.empty(rules, partition) });
        }
    }

    fn rows(
        &mut self,
        unit: &RowGroup,
        rules: &mut Rules,
        offset: &mut u64,
        read: &mut dyn FnMut(&mut Rules, u64, &RecordBatch),
    ) -> Result<(), ParquetError> {
        let known = |opened: &Opened| Arc::ptr_eq(&opened.footer, &unit.metadata);
        let opened = match self.opened.take().filter(known) {
            Some(opened) => opened,
            None => guarded(|| Opened::new(&rules.paths, &unit.metadata))
                .map_err(ParquetError::General)??,
        };
        let opened = self.opened.insert(opened);
        let (file, levels) = (Arc::clone(&unit.file), Arc::clone(&opened.levels));
        let mut rows = GroupRows::new(file, &unit.metadata, unit.group, levels)?;
        while let Some(batch) = rows.next()? {
            read(rules, *offset, &batch);
            *offset += batch.num_rows() as u64;
        }
        Ok(())
    }
}

impl Opened {
    fn new(paths: &PathTree, footer: &Arc<ParquetMetaData>) -> Result<Self, ParquetError> {
        let plain = ArrowReaderMetadata::try_new(Arc::clone(footer), ArrowReaderOptions::new())?;
        let schema = plain.schema();
        let wanted = wanted_columns(paths, schema);
        if wanted.is_empty() {
            // Rows without columns would be as many as the footer says, true or not.
            let problem = "none of the configured paths is a column of this file";
            return Err(ParquetError::General(problem.into()));
        }
        let leaves = wanted.iter().flat_map(|(_, path)| leaves_at(schema.fields(), path));
        let mask = ProjectionMask::leaves(plain.parquet_schema(), leaves);
        let labels: Vec<&[usize]> = wanted
            .iter()
            .filter(|(node, _)| Some(*node) != paths.id)
            .map(|(_, path)| path.as_slice())
            .collect();
        let hint = with_dictionaries(schema.fields(), &labels);
        let levels =
            |hint| parquet_to_arrow_field_levels(plain.parquet_schema(), mask.clone(), hint);
        let levels = levels(Some(&hint)).or_else(|_| levels(Some(schema.fields())))?;
        Ok(Self { footer: Arc::clone(footer), levels: Arc::new(levels) })
    }
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
