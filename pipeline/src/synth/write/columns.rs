//! Events as Arrow columns, for the two columnar formats.
//!
//! Labels are dictionaries over the whole vocabulary, the same in each batch: IPC files allow no other.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, BooleanBuilder, DictionaryArray, Float32Builder, Float64Builder,
    Int32Builder, ListBuilder, PrimitiveBuilder, RecordBatch, StringArray, StringBuilder,
    StructArray, TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::super::event::{
    CONFIDENCE, DECIMALS, Event, FINISH, INPUT, LANG, LATENCY, NULL_CODE, NULL_NUMBER, OUTPUT,
    TOOL, TTFT,
};
use super::super::vocabulary::Vocabulary;

/// A dictionary column in the making.
struct Label {
    keys: PrimitiveBuilder<Int32Type>,
    values: Arc<StringArray>,
}

impl Label {
    fn new(values: &[String]) -> Self {
        Self {
            keys: PrimitiveBuilder::new(),
            values: Arc::new(StringArray::from_iter_values(values)),
        }
    }

    fn push(&mut self, index: usize) {
        let known = index < self.values.len();
        self.keys.append_option(i32::try_from(index).ok().filter(|_| known));
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let values = Arc::clone(&self.values);
        Ok(Arc::new(DictionaryArray::try_new(self.keys.finish(), values)?))
    }
}

/// Gathers events into record batches.
pub struct Columns {
    schema: SchemaRef,
    time: TimestampMillisecondBuilder,
    /// model, model_version, region
    labels: [Label; 3],
    id: StringBuilder,
    /// latency_ms, ttft_ms, confidence
    reals: [Float64Builder; 3],
    /// usage.input_tokens, usage.output_tokens, status
    integers: [Int32Builder; 3],
    error: BooleanBuilder,
    /// finish_reason, tool, prompt_lang
    categories: [Label; 3],
    embedding: Option<ListBuilder<Float32Builder>>,
}

const REALS: [usize; 3] = [LATENCY, TTFT, CONFIDENCE];
const TOKENS: [usize; 2] = [INPUT, OUTPUT];

impl Columns {
    /// Columns for these strings; `vectors` adds the embedding.
    pub fn new(vocabulary: &Vocabulary, vectors: bool) -> Self {
        Self {
            schema: schema(vectors),
            time: TimestampMillisecondBuilder::new().with_timezone("UTC"),
            labels: [&vocabulary.models, &vocabulary.versions, &vocabulary.regions]
                .map(|values| Label::new(values)),
            id: StringBuilder::new(),
            reals: Default::default(),
            integers: Default::default(),
            error: BooleanBuilder::new(),
            categories: [FINISH, TOOL, LANG].map(|at| Label::new(&vocabulary.categories[at])),
            embedding: vectors.then(|| ListBuilder::new(Float32Builder::new())),
        }
    }

    /// The schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Rows gathered since the last batch.
    pub fn rows(&self) -> usize {
        self.error.len()
    }

    /// Adds an event.
    pub fn push(&mut self, event: &Event) {
        self.time.append_value(event.time_ms);
        let labels = [event.model, event.version, event.region];
        for (label, index) in self.labels.iter_mut().zip(labels) {
            label.push(index);
        }
        self.id.append_value(format!("{:032x}", event.id));
        for (column, place) in self.reals.iter_mut().zip(REALS) {
            column.append_option(number(event, place));
        }
        for (column, place) in self.integers.iter_mut().zip(TOKENS) {
            column.append_option(number(event, place).map(|value| value as i32));
        }
        self.integers[2].append_value(i32::from(event.status));
        self.error.append_option((event.error != NULL_CODE).then_some(event.error != 0));
        for (label, code) in self.categories.iter_mut().zip(event.categories) {
            label.push(usize::from(code));
        }
        if let Some(embedding) = &mut self.embedding {
            embedding.values().append_slice(&event.vector);
            embedding.append(!event.vector.is_empty());
        }
    }

    /// The rows gathered so far, as a batch.
    ///
    /// # Errors
    /// None that a caller can cause: Arrow checks the columns against the schema.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.time.finish())];
        for label in &mut self.labels {
            columns.push(label.finish()?);
        }
        let [latency, ttft, confidence] = &mut self.reals;
        let [input, output, status] = &mut self.integers;
        let tokens: Vec<ArrayRef> = vec![Arc::new(input.finish()), Arc::new(output.finish())];
        let usage = StructArray::try_new(usage_fields(), tokens, None)?;
        let [finish, tool, lang] = &mut self.categories;
        let rest: [ArrayRef; 10] = [
            Arc::new(self.id.finish()),
            Arc::new(latency.finish()),
            Arc::new(ttft.finish()),
            Arc::new(usage),
            finish.finish()?,
            Arc::new(status.finish()),
            Arc::new(self.error.finish()),
            Arc::new(confidence.finish()),
            tool.finish()?,
            lang.finish()?,
        ];
        columns.extend(rest);
        if let Some(embedding) = &mut self.embedding {
            columns.push(Arc::new(embedding.finish()));
        }
        RecordBatch::try_new(self.schema(), columns)
    }
}

fn number(event: &Event, place: usize) -> Option<f64> {
    let value = event.numbers[place];
    (value != NULL_NUMBER).then(|| f64::from(value) / f64::from(10_u32.pow(DECIMALS[place])))
}

fn usage_fields() -> Fields {
    ["input_tokens", "output_tokens"]
        .into_iter()
        .map(|name| Field::new(name, DataType::Int32, true))
        .collect()
}

fn schema(vectors: bool) -> SchemaRef {
    let label = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let time = DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, Some("UTC".into()));
    let mut fields = vec![
        ("ts", time),
        ("model", label()),
        ("model_version", label()),
        ("region", label()),
        ("request_id", DataType::Utf8),
        ("latency_ms", DataType::Float64),
        ("ttft_ms", DataType::Float64),
        ("usage", DataType::Struct(usage_fields())),
        ("finish_reason", label()),
        ("status", DataType::Int32),
        ("error", DataType::Boolean),
        ("confidence", DataType::Float64),
        ("tool", label()),
        ("prompt_lang", label()),
    ];
    if vectors {
        fields.push(("embedding", DataType::new_list(DataType::Float32, true)));
    }
    let fields = fields.into_iter().map(|(name, form)| Field::new(name, form, true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
