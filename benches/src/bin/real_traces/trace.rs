//! A request as these traces have it: when, by which model, how many tokens in and out.

/// One request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Request {
    /// Microseconds since 1970.
    pub(crate) time_us: i64,
    /// Number of the model.
    pub(crate) model: u32,
    /// Input tokens, output tokens.
    pub(crate) tokens: [f64; 2],
}

/// Names of [`Request::tokens`].
pub(crate) const TOKENS: [&str; 2] = ["input_tokens", "output_tokens"];

impl Request {
    /// The same request with lengths times a factor, rounded to whole tokens.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self { tokens: self.tokens.map(|n| (n * factor).round()), ..self }
    }
}
