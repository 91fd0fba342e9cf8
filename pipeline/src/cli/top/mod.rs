//! `driftline top`: a running instance, live in the terminal.
//!
//! It asks `/status` and `/metrics` once a second and draws; the flow does not notice. The terminal is put
//! back on every way out: `q`, an error, a signal, a panic.

mod frame;
pub(super) mod samples;

use std::collections::VecDeque;
use std::fmt::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as DrawnLine, Span};
use ratatui::widgets::Paragraph;

use super::Terminal;
use super::instance::{DEFAULT_URL, Instance, parse};
use frame::{Line, Picture, Reading, Tone};
use samples::Samples;

/// Watch a running instance in the terminal
///
/// Shows throughput, lag, the watermark and which partition holds it back, findings and alerts, commit
/// latency, memory, and what the instance is waiting for. `q` quits.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  driftline top                               The instance on this machine
  driftline top --url http://127.0.0.1:9288   Another one
  driftline top --once                        One screen as plain text, for a pipe or a ticket")]
pub struct Args {
    /// URL of the instance
    #[arg(long, value_name = "URL", default_value = DEFAULT_URL)]
    url: String,
    /// Print one screen as plain text and exit
    #[arg(long)]
    once: bool,
}

/// Between two questions.
const EVERY: Duration = Duration::from_secs(1);
/// How long a key or a signal may go unnoticed.
const NOTICE: Duration = Duration::from_millis(100);
/// Readings that are kept: quantiles are of the last minute.
const KEPT: usize = 60;
/// Rates are over so many readings.
const SMOOTH: usize = 5;
/// Size of the picture of `--once`.
const ONCE: (usize, usize) = (80, 48);

/// Draws until the user ends it.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let asked = Asked { instance: Instance::at(&args.url)?, begun: Instant::now() };
    // An instance that is not there is told on the plain terminal.
    let first = asked.read()?;
    if args.once {
        std::thread::sleep(EVERY);
        let now = asked.read()?;
        let picture = Picture { now: &now, before: &first, earlier: &first };
        terminal.print(&plain(&picture.lines(ONCE.0, ONCE.1)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let ended = signals()?;
    let mut screen =
        ratatui::try_init().context("this is not a terminal; use --once for plain text")?;
    let result = live(&asked, first, &mut screen, &ended, terminal.color_out());
    ratatui::restore();
    result.map(|()| ExitCode::SUCCESS)
}

/// An instance, and the clock of its readings.
struct Asked {
    instance: Instance,
    begun: Instant,
}

impl Asked {
    fn read(&self) -> anyhow::Result<Reading> {
        let page = parse(&self.instance.get("/status")?)?;
        let samples = Samples::parse(&self.instance.get("/metrics")?);
        Ok(Reading { page, samples, at_s: self.begun.elapsed().as_secs_f64() })
    }
}

fn live(
    asked: &Asked,
    first: Reading,
    screen: &mut ratatui::DefaultTerminal,
    ended: &AtomicBool,
    color: bool,
) -> anyhow::Result<()> {
    let mut readings = VecDeque::from([first]);
    let mut trouble: Option<String> = None;
    let mut next = Instant::now() + EVERY;
    loop {
        screen.draw(|frame| {
            let (width, height) = (frame.area().width, frame.area().height);
            let lines = picture(&readings, &trouble, width.into(), height.into());
            let drawn: Vec<_> = lines.into_iter().map(|line| drawn(line, color)).collect();
            frame.render_widget(Paragraph::new(drawn), frame.area());
        })?;
        while Instant::now() < next {
            if ended.load(Ordering::Relaxed) {
                return Ok(());
            }
            let wait = NOTICE.min(next.saturating_duration_since(Instant::now()));
            if event::poll(wait)? {
                match event::read()? {
                    Event::Key(key) if quits(key) => return Ok(()),
                    Event::Resize(..) => break,
                    _ => {}
                }
            }
        }
        if Instant::now() < next {
            continue;
        }
        next = Instant::now() + EVERY;
        match asked.read() {
            Ok(reading) => {
                trouble = None;
                readings.push_back(reading);
                if readings.len() > KEPT {
                    readings.pop_front();
                }
            }
            // It may be restarting: the last picture stays, with the reason.
            Err(error) => trouble = Some(format!("{error:#}")),
        }
    }
}

fn quits(key: KeyEvent) -> bool {
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let quit = matches!(key.code, KeyCode::Char('q' | 'Q') | KeyCode::Esc);
    key.kind == KeyEventKind::Press && (interrupt || quit)
}

/// The picture with its last line: the keys, or the trouble.
fn picture(
    readings: &VecDeque<Reading>,
    trouble: &Option<String>,
    width: usize,
    height: usize,
) -> Vec<Line> {
    let (Some(now), Some(earlier)) = (readings.back(), readings.front()) else { return Vec::new() };
    let before = readings.iter().rev().nth(SMOOTH).unwrap_or(earlier);
    let room = height.saturating_sub(1);
    let mut lines = Picture { now, before, earlier }.lines(width, room);
    lines.resize(room, Vec::new());
    lines.push(match trouble {
        None => vec![("q quits".into(), Tone::Dim)],
        Some(trouble) => vec![(trouble.clone(), Tone::Bad)],
    });
    lines
}

fn drawn(line: Line, color: bool) -> DrawnLine<'static> {
    let style = |tone| match tone {
        Tone::Plain => Style::new(),
        Tone::Dim => Style::new().add_modifier(Modifier::DIM),
        Tone::Bold => Style::new().add_modifier(Modifier::BOLD),
        Tone::Good if color => Style::new().fg(Color::Green),
        Tone::Warn if color => Style::new().fg(Color::Yellow),
        Tone::Bad if color => Style::new().fg(Color::Red),
        Tone::Good => Style::new(),
        Tone::Warn | Tone::Bad => Style::new().add_modifier(Modifier::BOLD),
    };
    line.into_iter().map(|(text, tone)| Span::styled(text, style(tone))).collect()
}

fn plain(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let words: String = line.iter().map(|(text, _)| text.as_str()).collect();
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{}", words.trim_end());
    }
    text
}

/// Set by SIGTERM, SIGHUP and SIGINT, so that the terminal is put back before the end.
fn signals() -> anyhow::Result<Arc<AtomicBool>> {
    let ended = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let [mut term, mut hangup, mut interrupt] = {
            let _inside = runtime.enter();
            [
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
                signal(SignalKind::interrupt())?,
            ]
        };
        let told = Arc::clone(&ended);
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = term.recv() => {}
                    _ = hangup.recv() => {}
                    _ = interrupt.recv() => {}
                }
            });
            told.store(true, Ordering::Relaxed);
        });
    }
    Ok(ended)
}
