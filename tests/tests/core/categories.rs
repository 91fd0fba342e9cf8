//! One category among many that becomes more frequent for a while: it is found, called by its name, and
//! resolved.

use driftline::model::settings::MINUTE_US;
use driftline::model::{FieldPath, Kind, MetricField, Row, Settings, Status, Value};
use driftline_tests::course::settings;
use driftline_tests::telemetry::{START_US, generator, metric, seeds};
use driftline_tests::transcript::run_rows;
use rand::RngExt;

const CATEGORIES: u32 = 20;
/// Events a second.
const RATE: i64 = 3;

fn one_category() -> Settings {
    let mut settings = settings();
    let (name, kind) = ("reason", Kind::Category);
    settings.layout.metrics =
        vec![MetricField { name: name.into(), path: FieldPath(name.into()), kind }];
    settings.metrics = vec![metric(name, kind)];
    settings
}

/// Zipf's law over the categories; between the minutes `from` and `to` this share of all has the rarest.
fn rows(seed: u64, minutes: i64, share: f64, (from, to): (i64, i64)) -> Vec<Row> {
    let mut random = generator(seed);
    let total: f64 = (1..=CATEGORIES).map(|rank| 1.0 / f64::from(rank)).sum();
    let row = |number: i64| {
        let time_us = START_US + number * 1_000_000 / RATE;
        let minute = (time_us - START_US) / MINUTE_US;
        let is_changed = (from..to).contains(&minute) && random.random::<f64>() < share;
        let mut left = random.random::<f64>() * total;
        let drawn = (1..CATEGORIES).find(|rank| {
            left -= 1.0 / f64::from(*rank);
            left < 0.0
        });
        let rank = if is_changed { CATEGORIES } else { drawn.unwrap_or(CATEGORIES) };
        let keys = ["alpha", "1"].map(|key| Value::Label(key.into())).to_vec();
        let metrics = vec![Value::Label(format!("r{rank:02}"))];
        Row { time_us, offset: number as u64, keys, id: None, metrics }
    };
    (0..minutes * 60 * RATE).map(row).collect()
}

#[test]
fn the_rarest_of_twenty_is_found_by_name_and_resolved() {
    for seed in seeds(0..6) {
        let transcript = run_rows(&one_category(), &rows(seed, 240, 0.04, (120, 180)));
        let changes: Vec<&str> = transcript.findings.iter().map(|f| f.change.as_str()).collect();
        assert_eq!(changes, ["more of r20"], "seed {seed}");
        let finding = &transcript.findings[0];
        assert_eq!((finding.kind.as_str(), finding.codes[0].label.as_str()), ("mix", "r20"));
        assert!(finding.delay_s < 1_200.0, "seed {seed}: {} s", finding.delay_s);
        let effect = &finding.effect;
        assert!(effect.low < 0.04 && 0.04 < effect.high && effect.low > 0.01, "{effect:?}");
        let last = transcript.alerts.last().expect("an alert");
        assert_eq!(last.status, Status::Resolved, "seed {seed}");
        let ended = last.ends_at.as_deref().expect("an end");
        let ended = driftline::model::time::from_rfc3339(ended).expect("a time");
        let after = (ended - START_US) / MINUTE_US - 180;
        assert!((0..30).contains(&after), "seed {seed}: resolved {after} min after");
    }
}

#[test]
fn nothing_is_found_where_nothing_changes() {
    for seed in seeds(0..4) {
        let transcript = run_rows(&one_category(), &rows(seed, 1_440, 0.0, (0, 0)));
        assert!(
            transcript.findings.is_empty(),
            "seed {seed}: {:?}",
            transcript.findings[0].summary
        );
    }
}
