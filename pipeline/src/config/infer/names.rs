//! Names that people use: OpenTelemetry GenAI (semantic conventions, all naming eras), OpenInference, and
//! the usual ones. A row matches a path that is the name, or that ends with it after a dot.

use crate::model::Kind;

/// What a known name is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The event time.
    Time,
    /// The model's name.
    Model,
    /// The model's version.
    Version,
    /// The event's own id.
    Id,
    /// A segment, if it has few values.
    Segment,
    /// Someone's id, which is no metric.
    Identity,
    /// What people or models wrote: never a metric, never shown.
    Content,
}

/// Names by use, best first.
pub const USES: &[(Use, &[&str])] = &[
    (
        Use::Time,
        &[
            "ts",
            "timestamp",
            "@timestamp",
            "event_time",
            "time",
            "start_time",
            "start_time_unix_nano",
            "startTimeUnixNano",
            "timeUnixNano",
            "time_unix_nano",
            "request_time",
            "created_at",
            "datetime",
            "created",
            "date",
            "logged_at",
            "received_at",
            "end_time",
            "endTimeUnixNano",
        ],
    ),
    (
        Use::Model,
        &[
            "gen_ai.request.model",
            "llm.model_name",
            "llm.request.model",
            "embedding.model_name",
            "model",
            "model_name",
            "model_id",
            "modelId",
            "gen_ai.response.model",
            "llm.response.model",
            "model.name",
            "model.id",
            "deployment",
            "deployment_name",
            "engine",
            "endpoint",
            "gen_ai.agent.name",
            "agent_name",
            "service.name",
            "service",
        ],
    ),
    (
        Use::Version,
        &[
            "model_version",
            "modelVersion",
            "model.version",
            "model_revision",
            "gen_ai.response.model",
            "llm.response.model",
            "version",
            "revision",
            "release",
        ],
    ),
    (
        Use::Id,
        &[
            "request_id",
            "requestId",
            "event_id",
            "id",
            "gen_ai.response.id",
            "span_id",
            "spanId",
            "context.span_id",
            "call_id",
            "prediction_id",
            "inference_id",
            "trace_id",
            "traceId",
            "uuid",
        ],
    ),
    (
        Use::Segment,
        &[
            "region",
            "cloud.region",
            "tenant",
            "tenant_id",
            "environment",
            "env",
            "deployment.environment",
            "deployment.environment.name",
            "cluster",
            "datacenter",
            "availability_zone",
        ],
    ),
    (
        Use::Identity,
        &[
            "trace_id",
            "traceId",
            "span_id",
            "spanId",
            "parent_id",
            "parent_span_id",
            "parentSpanId",
            "session.id",
            "session_id",
            "user.id",
            "user_id",
            "conversation_id",
            "gen_ai.conversation.id",
            "gen_ai.response.id",
            "gen_ai.tool.call.id",
            "gen_ai.agent.id",
            "customer_id",
            "account_id",
            "thread_id",
            "ip",
            "host",
            "hostname",
            "pod",
        ],
    ),
    (
        Use::Content,
        &[
            "prompt",
            "completion",
            "input.value",
            "output.value",
            "gen_ai.prompt",
            "gen_ai.completion",
            "gen_ai.input.messages",
            "gen_ai.output.messages",
            "gen_ai.system_instructions",
            "messages",
            "llm.input_messages",
            "llm.output_messages",
            "content",
            "text",
            "message",
            "query",
            "answer",
            "response",
            "question",
            "email",
        ],
    ),
];

/// Known metrics: path, name in the config, kind, unit.
pub const METRICS: &[(&str, &str, Kind, &str)] = &[
    ("gen_ai.usage.input_tokens", "input_tokens", Kind::Number, "tokens"),
    ("gen_ai.usage.output_tokens", "output_tokens", Kind::Number, "tokens"),
    ("gen_ai.usage.prompt_tokens", "input_tokens", Kind::Number, "tokens"),
    ("gen_ai.usage.completion_tokens", "output_tokens", Kind::Number, "tokens"),
    ("llm.usage.prompt_tokens", "input_tokens", Kind::Number, "tokens"),
    ("llm.usage.completion_tokens", "output_tokens", Kind::Number, "tokens"),
    ("llm.usage.total_tokens", "total_tokens", Kind::Number, "tokens"),
    ("gen_ai.server.time_to_first_token", "ttft_s", Kind::Number, "s"),
    ("gen_ai.server.time_per_output_token", "time_per_output_token_s", Kind::Number, "s"),
    ("gen_ai.server.request.duration", "server_duration_s", Kind::Number, "s"),
    ("gen_ai.client.operation.duration", "duration_s", Kind::Number, "s"),
    ("gen_ai.evaluation.score.value", "evaluation_score", Kind::Number, ""),
    ("gen_ai.evaluation.score.label", "evaluation_label", Kind::Category, ""),
    ("gen_ai.request.temperature", "temperature", Kind::Number, ""),
    ("gen_ai.operation.name", "operation", Kind::Category, ""),
    ("gen_ai.provider.name", "provider", Kind::Category, ""),
    ("gen_ai.system", "provider", Kind::Category, ""),
    ("gen_ai.tool.name", "tool", Kind::Category, ""),
    ("llm.token_count.prompt", "input_tokens", Kind::Number, "tokens"),
    ("llm.token_count.completion", "output_tokens", Kind::Number, "tokens"),
    ("llm.token_count.total", "total_tokens", Kind::Number, "tokens"),
    ("llm.token_count.prompt_details.cache_read", "cached_tokens", Kind::Number, "tokens"),
    ("llm.provider", "provider", Kind::Category, ""),
    ("llm.system", "system", Kind::Category, ""),
    ("llm.finish_reason", "finish_reason", Kind::Category, ""),
    ("openinference.span.kind", "span_kind", Kind::Category, ""),
    ("tool.name", "tool", Kind::Category, ""),
    ("error.type", "error_type", Kind::Category, ""),
    ("http.response.status_code", "http_status", Kind::Category, ""),
    ("status_code", "status_code", Kind::Category, ""),
    ("status.code", "status_code", Kind::Category, ""),
    ("http_status", "http_status", Kind::Category, ""),
];

/// Units by the end of a name.
const UNITS: &[(&str, &str)] = &[
    ("_ms", "ms"),
    ("_millis", "ms"),
    ("_milliseconds", "ms"),
    ("_us", "us"),
    ("_micros", "us"),
    ("_ns", "ns"),
    ("_nanos", "ns"),
    ("_s", "s"),
    ("_sec", "s"),
    ("_secs", "s"),
    ("_seconds", "s"),
    ("tokens", "tokens"),
    ("_bytes", "bytes"),
    ("_kb", "kB"),
    ("_mb", "MB"),
    ("_usd", "USD"),
    ("_eur", "EUR"),
    ("_pct", "%"),
    ("_percent", "%"),
    ("_chars", "characters"),
];

/// Parts of names whose whole numbers are codes rather than quantities.
const CODES: &[&str] = &[
    "status", "code", "class", "label", "type", "category", "kind", "grade", "tier", "rating",
    "level",
];

/// Whether a path is a name, or ends with it.
pub fn matches(path: &str, name: &str) -> bool {
    match path.len().checked_sub(name.len()) {
        Some(0) => path.eq_ignore_ascii_case(name),
        Some(at) if path.is_char_boundary(at) => {
            path[at..].eq_ignore_ascii_case(name) && path[..at].ends_with('.')
        }
        _ => false,
    }
}

/// The place of a path among the names of a use; smaller is better.
pub fn rank(path: &str, wanted: Use) -> Option<usize> {
    let (_, names) = USES.iter().find(|(known, _)| *known == wanted)?;
    names.iter().position(|name| matches(path, name))
}

/// The known metric at a path.
pub fn metric(path: &str) -> Option<(&'static str, Kind, &'static str)> {
    let (_, name, kind, unit) = METRICS.iter().find(|(known, ..)| matches(path, known))?;
    Some((name, *kind, unit))
}

/// The unit that a name ends with; empty: none.
pub fn unit(name: &str) -> &'static str {
    let name = snake(name);
    UNITS.iter().find(|(end, _)| name.ends_with(end)).map_or("", |(_, unit)| unit)
}

/// Whether the whole numbers of a name are codes.
pub fn is_code(path: &str) -> bool {
    let name = snake(path);
    name.rsplit('.').next().is_some_and(|last| last.split('_').any(|part| CODES.contains(&part)))
}

/// Whether a name is that of an id.
pub fn is_id(path: &str) -> bool {
    let name = snake(path);
    let last = name.rsplit('.').next().unwrap_or_default();
    last == "id" || last == "uuid" || last.ends_with("_id") || last.ends_with("_uuid")
}

/// `latencyMs` as `latency_ms`; what is in snake case already stays.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut last_lower = false;
    for character in name.chars() {
        if character.is_uppercase() && last_lower {
            out.push('_');
        }
        last_lower = character.is_lowercase() || character.is_ascii_digit();
        out.extend(character.to_lowercase());
    }
    out.replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_whole_names() {
        assert!(matches("attributes.gen_ai.request.model", "gen_ai.request.model"));
        assert!(matches("Model", "model"));
        assert!(!matches("supermodel", "model"));
        assert!(!matches("el", "model"));
        assert!(!matches("größe", "öße"));
    }

    #[test]
    fn units_and_codes_by_name() {
        assert_eq!(unit("latency_ms"), "ms");
        assert_eq!(unit("latencyMs"), "ms");
        assert_eq!(unit("usage.input_tokens"), "tokens");
        assert_eq!(unit("tokens"), "tokens");
        assert_eq!(unit("alarms"), "");
        assert!(is_code("http.status_code") && is_code("statusCode") && !is_code("encoded"));
        assert!(is_id("requestId") && is_id("a.id") && !is_id("paid"));
    }
}
