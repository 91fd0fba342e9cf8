//! What each model is like: the laws of its numbers and categories, drawn once from the seed.
//!
//! Numbers: input and output tokens are lognormal; time to first token is `a + b * input_tokens` and
//! the rest of the latency `c * output_tokens`, both times lognormal noise; confidence is a beta law.

use rand_distr::{Beta, Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;

use super::event::Event;
use super::vocabulary::{FINISH_REASONS, LANGUAGES, REGIONS, TOOLS};

/// Uniform in `[0, 1)`, of 53 bits.
pub fn uniform(random: &mut Xoshiro256PlusPlus) -> f64 {
    (random.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// Standard normal.
pub fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    StandardNormal.sample(random)
}

/// A lognormal law: median and standard deviation of the logarithm.
#[derive(Debug, Clone, Copy)]
pub struct LogNormal {
    /// Mean of the logarithm.
    pub mu: f64,
    /// Standard deviation of the logarithm.
    pub sigma: f64,
}

impl LogNormal {
    /// One draw; `offset` moves the logarithm, in standard deviations.
    pub fn draw(&self, random: &mut Xoshiro256PlusPlus, offset: f64) -> f64 {
        libm::exp(self.mu + self.sigma * (normal(random) + offset))
    }
}

/// Cumulative shares of categories, the last 1.
#[derive(Debug, Clone)]
pub struct Shares(Vec<f64>);

impl Shares {
    /// From weights of any sum.
    pub fn new(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = weights
            .iter()
            .map(|weight| {
                sum += weight / total;
                sum
            })
            .collect();
        if let Some(last) = cumulative.last_mut() {
            *last = 1.0;
        }
        Self(cumulative)
    }

    /// The category at this quantile, in `[0, 1)`.
    pub fn pick(&self, quantile: f64) -> usize {
        self.0.partition_point(|&upto| upto <= quantile)
    }

    /// The same for a handful of categories, where a scan is faster.
    pub fn scan(&self, quantile: f64) -> u8 {
        self.0.iter().take_while(|&&upto| upto <= quantile).count() as u8
    }
}

/// One model.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Tokens of the prompt.
    pub input: LogNormal,
    /// Tokens of the answer.
    pub output: LogNormal,
    /// Milliseconds to the first token at an empty prompt.
    pub ttft_base_ms: f64,
    /// Milliseconds that each input token adds to it.
    pub ttft_per_token_ms: f64,
    /// Noise of the time to the first token; median 1.
    pub ttft_noise: LogNormal,
    /// Milliseconds for each output token, with noise.
    pub token_ms: LogNormal,
    /// Share of failed requests.
    pub error_rate: f64,
    /// Law of `confidence`.
    pub confidence: Beta<f64>,
    /// Mean of `confidence`.
    confidence_mean: f64,
    /// Sum of the two parameters of the beta law.
    confidence_weight: f64,
    /// Shares of the finish reasons of requests that neither failed nor called a tool.
    pub finish: Shares,
    /// Shares of tools.
    pub tools: Shares,
    /// Shares of prompt languages.
    pub languages: Shares,
    /// Shares of regions.
    pub regions: Shares,
    /// Centre of the embeddings.
    pub centre: Vec<f32>,
}

impl Profile {
    /// Draws a model.
    pub fn new(random: &mut Xoshiro256PlusPlus, vectors: usize) -> Self {
        let mut between = |from: f64, to: f64| from + (to - from) * uniform(random);
        let input = LogNormal { mu: between(5.3, 7.3), sigma: between(0.6, 0.9) };
        let output = LogNormal { mu: between(4.4, 6.2), sigma: between(0.45, 0.75) };
        let ttft_noise = LogNormal { mu: 0.0, sigma: between(0.25, 0.4) };
        let token_ms = LogNormal { mu: between(2.1, 3.4), sigma: between(0.2, 0.35) };
        let (ttft_base_ms, ttft_per_token_ms) = (between(80.0, 300.0), between(0.05, 0.2));
        let error_rate = between(0.008, 0.012);
        let confidence_mean = between(0.6, 0.85);
        let confidence_weight = between(10.0, 30.0);
        let mut finish = vec![1.0, between(0.04, 0.1), 0.0, between(0.004, 0.01), 0.0];
        finish.resize(FINISH_REASONS.len(), 0.0);
        let no_tool = between(2.0, 4.0);
        let tools = ranked(TOOLS.len() - 1, between(0.8, 1.3), 0);
        let tools: Vec<f64> = std::iter::once(no_tool).chain(tools).collect();
        let languages = ranked(LANGUAGES.len(), between(1.2, 1.8), between(0.0, 3.0) as usize);
        let regions: Vec<f64> = REGIONS.iter().map(|_| between(0.5, 1.5)).collect();
        let centre = (0..vectors).map(|_| (normal(random) * 2.0) as f32).collect();
        Self {
            input,
            output,
            ttft_base_ms,
            ttft_per_token_ms,
            ttft_noise,
            token_ms,
            error_rate,
            confidence: beta(confidence_mean, confidence_weight),
            confidence_mean,
            confidence_weight,
            finish: Shares::new(&finish),
            tools: Shares::new(&tools),
            languages: Shares::new(&languages),
            regions: Shares::new(&regions),
            centre,
        }
    }

    /// The law of `confidence` with its mean moved by so many standard deviations.
    pub fn confidence_moved(&self, by_sd: f64) -> Beta<f64> {
        let (mean, weight) = (self.confidence_mean, self.confidence_weight);
        let sd = libm::sqrt(mean * (1.0 - mean) / (weight + 1.0));
        beta((mean + by_sd * sd).clamp(0.02, 0.98), weight)
    }

    /// Fills the event's embedding: the centre, a move along all axes alike, and unit noise.
    pub fn embed(&self, event: &mut Event, random: &mut Xoshiro256PlusPlus, by_sd: f64) {
        let step = by_sd / libm::sqrt(self.centre.len().max(1) as f64);
        event.vector.clear();
        let entries = self.centre.iter().map(|&centre| {
            let value = f64::from(centre) + step + normal(random);
            // Three decimals, so that text and columns hold the same number.
            (libm::round(value * 1000.0) / 1000.0) as f32
        });
        event.vector.extend(entries);
    }
}

fn beta(mean: f64, weight: f64) -> Beta<f64> {
    // Both parameters are at least 0.2 by the ranges above, so this cannot fail.
    #[allow(clippy::expect_used)]
    Beta::new(mean * weight, (1.0 - mean) * weight).expect("parameters of a beta law are positive")
}

/// Zipf weights of so many categories, rotated by `first`.
fn ranked(count: usize, exponent: f64, first: usize) -> Vec<f64> {
    let weight = |place: usize| libm::pow((place + 1) as f64, -exponent);
    (0..count).map(|category| weight((category + first) % count)).collect()
}
