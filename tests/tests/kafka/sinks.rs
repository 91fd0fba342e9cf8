//! A sink that follows, on a real broker: it is told what is committed, all of it, once, in order, while its
//! receiver fails now and then.

use std::time::Duration;

use driftline_tests::broker::{Broker, Message};
use driftline_tests::example;
use driftline_tests::http_server::HttpServer;
use driftline_tests::live::course::CONFIG;
use driftline_tests::live::{Course, Pipeline, Shape};

const SOON: Duration = Duration::from_secs(60);

#[test]
fn what_is_committed_is_posted_once_and_in_order() {
    let server = HttpServer::start(|_, number| match number {
        0 | 1 | 20 => 503,
        _ => 200,
    });
    let course = Course { minutes: 30, ..Course::new(23) };
    let shape = Shape {
        program: || example("http_sink"),
        options: vec![("sinks.http", format!("url = \"{}\"", server.url("/hook")))],
        ..Shape::new(CONFIG)
    };
    let pipeline = Pipeline::new(Broker::shared(), shape);
    let mut member = pipeline.start("one", None);
    pipeline.send(course.records());
    Broker::wait_until("all is committed", SOON, || pipeline.left() == 0);
    // Nothing waits before the first record does, either: the last refusal comes with the 21st request.
    Broker::wait_until("all is delivered", SOON, || {
        member.metric("driftline_delivery_retries_total") == Some(3.0)
            && member.metric("driftline_undelivered_records") == Some(0.0)
    });
    let status = member.get("/status").expect("an answer").1;
    assert_eq!(member.metric("driftline_dead_letters_total"), Some(0.0), "{status}");
    assert!(status.contains("\"sinks\":[{\"name\":\"http\""), "{status}");
    assert_eq!(member.stop().0, 0, "a drain:\n{}", member.last());

    let text =
        |topic: &str| -> Vec<String> { pipeline.read(topic).iter().map(Message::text).collect() };
    let taken = server.requests().into_iter().filter(|request| request.status == 200);
    let (findings, alerts): (Vec<String>, Vec<String>) = taken
        .map(|request| request.body)
        .partition(|body| body.contains("\"schema\":\"driftline.finding"));
    assert!(findings.len() >= 5, "{} findings", findings.len());
    assert_eq!(findings, text(&pipeline.findings));
    assert_eq!(alerts, text(&pipeline.alerts));
}
