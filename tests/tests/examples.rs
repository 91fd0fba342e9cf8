//! The examples are what their readers copy: each is compiled here, and does what it says.

#[path = "../../examples/embed_engine.rs"]
#[allow(dead_code)]
mod embed_engine;

#[test]
fn an_embedded_engine_finds_the_change_and_nothing_else() {
    let findings = embed_engine::findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    let finding = &findings[0];
    assert_eq!((&*finding.model, &*finding.metric), ("router", "latency_ms"));
    assert!(finding.change.contains("higher"), "{}", finding.change);
}
