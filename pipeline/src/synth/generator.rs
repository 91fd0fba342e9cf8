//! The stream of events of a plan.
//!
//! Not here: text, files. The invariant: event `n` depends on the seed, on `n` and on the drifts of its
//! own model alone.

use rand_distr::{Distribution, Exp1};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::arrivals::{Arrivals, LATENCY_SWING, season};
use super::effects::{self, Active, Effects, NEUTRAL};
use super::event::{
    CONFIDENCE, DECIMALS, Event, FINISH, INPUT, LANG, LATENCY, METRICS, NULL_CODE, NULL_NUMBER,
    OUTPUT, Slot, TOOL, TTFT,
};
use super::fleet::{Profile, Shares, normal, uniform};
use super::plan::{Plan, PlanError};
use super::vocabulary::Vocabulary;

/// Mean delay between an event and its arrival.
const DELAY_MEAN_MS: f64 = 300.0;
/// Longest delay: far below the default lateness of 30 s.
const DELAY_MAX_MS: f64 = 5_000.0;
/// How long a random effect lasts.
const EFFECT_MS: i64 = 10_000;
/// `tool_calls` in the vocabulary of finish reasons.
const FINISH_TOOL_CALLS: u8 = 2;
/// `error` in the vocabulary of finish reasons.
const FINISH_ERROR: u8 = 4;
/// Share of requests with a tool that end with the call.
const TOOL_CALL_SHARE: f64 = 0.6;
/// Statuses of failed requests.
const ERROR_STATUSES: [u16; 4] = [500, 503, 429, 504];

/// Yields the events of a plan in order of arrival.
#[derive(Debug, Clone)]
pub struct Generator {
    seed: u64,
    start_ms: i64,
    overdispersion: f64,
    arrivals: Arrivals,
    number: u64,
    traffic: Shares,
    profiles: Vec<Profile>,
    drifts: Vec<Vec<Active>>,
    vectors: bool,
    vocabulary: Vocabulary,
}

impl Generator {
    /// Prepares the models.
    ///
    /// # Errors
    /// When the plan breaks a bound.
    pub fn new(plan: &Plan) -> Result<Self, PlanError> {
        plan.check()?;
        let mut vocabulary = Vocabulary::new(plan.models);
        let mut drifts = vec![Vec::new(); plan.models];
        for drift in &plan.drifts {
            let active = Active::new(drift, &mut vocabulary).ok_or_else(|| PlanError::Drift {
                given: drift.value.clone(),
                problem: "there are too many categories; use fewer new ones".to_owned(),
            })?;
            if let Some(of_model) = drifts.get_mut(drift.model) {
                of_model.push(active);
            }
        }
        let profile =
            |rank: usize| Profile::new(&mut stream(plan.seed, 1, rank as u64), plan.vectors);
        let weights: Vec<f64> =
            (0..plan.models).map(|rank| libm::pow((rank + 1) as f64, -plan.zipf)).collect();
        Ok(Self {
            seed: plan.seed,
            start_ms: plan.start_ms,
            overdispersion: plan.overdispersion,
            arrivals: Arrivals::new(
                stream(plan.seed, 2, 0),
                plan.events,
                plan.start_ms,
                plan.end_ms(),
            ),
            number: 0,
            traffic: Shares::new(&weights),
            profiles: (0..plan.models).map(profile).collect(),
            drifts,
            vectors: plan.vectors > 0,
            vocabulary,
        })
    }

    /// The strings that events point to.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Overwrites `event` with the next one; false at the end.
    pub fn next_into(&mut self, event: &mut Event) -> bool {
        while let Some(arrival_ms) = self.arrivals.next() {
            let mut random = stream(self.seed, 3, self.number);
            self.number += 1;
            let delay: f64 = Exp1.sample(&mut random);
            let delay_ms = (delay * DELAY_MEAN_MS).min(DELAY_MAX_MS) as i64;
            event.arrival_ms = arrival_ms;
            event.time_ms = (arrival_ms - delay_ms).max(self.start_ms);
            event.model = self.traffic.pick(uniform(&mut random));
            let drifts = self.drifts.get(event.model).map_or(&[][..], Vec::as_slice);
            let effects = match drifts {
                [] => NEUTRAL,
                drifts => effects::at(drifts, event.time_ms - self.start_ms),
            };
            let kept = effects.keep >= 1.0 || uniform(&mut random) < effects.keep;
            if kept && self.draw(event, &effects, random) {
                return true;
            }
        }
        false
    }

    fn draw(&self, event: &mut Event, effects: &Effects, mut random: Xoshiro256PlusPlus) -> bool {
        let random = &mut random;
        let Some(profile) = self.profiles.get(event.model) else { return false };
        let common = self.common_effects(event);
        event.id = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64());
        event.version = 2 * event.model + usize::from(effects.new_version);
        event.region = usize::from(profile.regions.scan(uniform(random)));

        let rate = profile.error_rate * effects.errors;
        let failed = uniform(random) < rate;
        event.error = u8::from(failed);
        event.status = match (failed, ERROR_STATUSES.get(random.next_u64() as usize % 4)) {
            (true, Some(&status)) => status,
            _ => 200,
        };
        event.categories[LANG] = profile.languages.scan(uniform(random));
        event.categories[TOOL] = profile.tools.scan(uniform(random));
        gain(event, effects, TOOL, random);
        gain(event, effects, LANG, random);
        let (with_tool, call) = (event.categories[TOOL] != 0, uniform(random));
        event.categories[FINISH] = match (failed, with_tool && call < TOOL_CALL_SHARE) {
            (true, _) => FINISH_ERROR,
            (_, true) => FINISH_TOOL_CALLS,
            _ => profile.finish.scan(uniform(random)),
        };
        gain(event, effects, FINISH, random);

        let input = profile.input.draw(random, common[INPUT]);
        let input = libm::ceil(change(input, effects, INPUT, random));
        let output = profile.output.draw(random, common[OUTPUT]);
        let output = libm::ceil(change(output, effects, OUTPUT, random));
        let output = if failed { 0.0 } else { output };
        let ttft = profile.ttft_base_ms + profile.ttft_per_token_ms * input;
        let ttft = ttft * profile.ttft_noise.draw(random, common[TTFT]);
        let ttft = change(ttft, effects, TTFT, random);
        let latency = ttft + output * profile.token_ms.draw(random, common[LATENCY]);
        let latency = latency * (1.0 + LATENCY_SWING * season(event.time_ms));
        let latency = change(latency, effects, LATENCY, random);
        let moved = effects.confidence_sd + common[CONFIDENCE];
        let confidence = if moved == 0.0 {
            profile.confidence.sample(random)
        } else {
            profile.confidence_moved(moved).sample(random)
        };
        for (place, value) in [latency, ttft, input, output, confidence].into_iter().enumerate() {
            let scaled = libm::round(value * f64::from(10_u32.pow(DECIMALS[place])));
            // The conversion saturates; one below keeps the largest value apart from null.
            event.numbers[place] = (scaled as u32).min(NULL_NUMBER - 1);
        }
        if self.vectors {
            profile.embed(event, random, effects.vector_sd);
        }
        if effects.nulls != NEUTRAL.nulls {
            drop_values(event, effects, random);
        }
        true
    }

    /// Random effects that the model's events of 10 s share, in standard deviations, a number each.
    fn common_effects(&self, event: &Event) -> [f64; 5] {
        if self.overdispersion == 0.0 {
            return [0.0; 5];
        }
        let span = event.time_ms.div_euclid(EFFECT_MS) as u64;
        let mut random = stream(self.seed ^ (event.model as u64) << 32, 4, span);
        [0; 5].map(|_| self.overdispersion * normal(&mut random))
    }
}

/// An independent random stream for each (seed, purpose, number).
fn stream(seed: u64, purpose: u64, number: u64) -> Xoshiro256PlusPlus {
    // SplitMix64's finaliser (Steele, Lea, Flood 2014) spreads seed and purpose over all bits, so that
    // streams of neighbouring numbers start far from those of any other seed.
    let mut key = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(purpose);
    key = (key ^ (key >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    key = (key ^ (key >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    Xoshiro256PlusPlus::seed_from_u64((key ^ (key >> 31)).wrapping_add(number))
}

fn change(value: f64, effects: &Effects, number: usize, random: &mut Xoshiro256PlusPlus) -> f64 {
    let mut changed = value * effects.scale[number];
    let sigma = effects.spread[number];
    if sigma > 0.0 {
        changed *= libm::exp(sigma * normal(random) - sigma * sigma / 2.0);
    }
    let (share, factor) = effects.tail[number];
    if share > 0.0 && uniform(random) < share {
        changed *= factor;
    }
    changed
}

fn gain(event: &mut Event, effects: &Effects, column: usize, random: &mut Xoshiro256PlusPlus) {
    let (share, code) = effects.gain[column];
    if share > 0.0 && uniform(random) < share {
        event.categories[column] = code;
    }
}

fn drop_values(event: &mut Event, effects: &Effects, random: &mut Xoshiro256PlusPlus) {
    for (metric, &share) in METRICS.iter().zip(&effects.nulls) {
        if share > 0.0 && uniform(random) < share {
            match metric.slot {
                Slot::Number(place) => event.numbers[place] = NULL_NUMBER,
                Slot::Category(place) => event.categories[place] = NULL_CODE,
                Slot::Flag => event.error = NULL_CODE,
                Slot::Vector => event.vector.clear(),
            }
        }
    }
}
