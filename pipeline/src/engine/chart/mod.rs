//! Charts: what the panes of a model are as a whole, over all its versions, as time series. A chart gives one
//! value a span; it is judged as any other series is.

pub(super) mod charts;
pub(super) mod model_charts;
pub(super) mod statistic;
