//! The example that embeds the engine: what its readers copy finds what it says.

#[allow(dead_code, unreachable_pub)]
#[path = "../../../examples/embed_engine.rs"]
mod example;

#[test]
fn an_embedded_engine_finds_the_change_and_nothing_else() {
    let findings = example::findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    let finding = &findings[0];
    assert_eq!((&*finding.model, &*finding.metric), ("router", "latency_ms"));
    assert!(finding.change.contains("higher"), "{}", finding.change);
}
