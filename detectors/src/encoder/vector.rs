//! Vectors (embeddings): the nearest centroid of a codebook, or `far` from all.
//!
//! The codebook is learned by k-means (Lloyd 1982) on a bounded sample that does not depend on order:
//! the vectors with the smallest hashes. Seeds are farthest-first (Gonzalez 1985), so there is no
//! randomness anywhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Centroids of a codebook.
const CENTROIDS_MAX: usize = 16;
const ROUNDS: usize = 12;

/// An order-free sample of vectors of one length: those with the smallest hashes of their bits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VectorSample {
    /// By length and hash; with how often each was seen.
    vectors: BTreeMap<(usize, u64), (Vec<f32>, u64)>,
}

impl VectorSample {
    /// Offers a finite vector; at most `size_max` distinct ones are kept.
    pub fn insert(&mut self, vector: &[f32], size_max: usize) {
        self.add(vector, 1, size_max);
    }

    /// Adds the vectors of another sample.
    pub fn merge(&mut self, other: &VectorSample, size_max: usize) {
        other.vectors.values().for_each(|(v, n)| self.add(v, *n, size_max));
    }

    /// Vectors and how often each was seen.
    pub fn iter(&self) -> impl Iterator<Item = (&[f32], u64)> {
        self.vectors.values().map(|(v, n)| (v.as_slice(), *n))
    }

    fn add(&mut self, vector: &[f32], count: u64, size_max: usize) {
        let mut bytes = Vec::with_capacity(vector.len() * 4);
        vector.iter().for_each(|x| bytes.extend_from_slice(&(x + 0.0).to_bits().to_le_bytes()));
        // The shortest length comes first, whatever the order of arrival.
        let key = (vector.len(), xxh3_64(&bytes));
        if let Some((_, seen)) = self.vectors.get_mut(&key) {
            *seen += count;
            return;
        }
        if self.vectors.len() >= size_max
            && self.vectors.keys().next_back().is_some_and(|k| *k < key)
        {
            return;
        }
        self.vectors.insert(key, (vector.to_vec(), count));
        if self.vectors.len() > size_max {
            self.vectors.pop_last();
        }
    }

    /// Vectors of the most frequent length (ties: the shorter), by hash.
    fn of_one_length(&self) -> Vec<&[f32]> {
        let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
        self.vectors.keys().for_each(|k| *lengths.entry(k.0).or_default() += 1);
        let length =
            lengths.iter().max_by_key(|(len, n)| (**n, usize::MAX - **len)).map(|(len, _)| *len);
        self.vectors
            .iter()
            .filter(|(k, _)| Some(k.0) == length)
            .map(|(_, (v, _))| v.as_slice())
            .collect()
    }
}

/// Encodes vectors of one length.
/// ```
/// use driftline_detectors::encoder::{VectorEncoder, VectorSample};
///
/// let mut sample = VectorSample::default();
/// for at in 0..100u8 {
///     // Two clusters, around (0, 0) and around (10, 10).
///     let center = if at % 2 == 0 { 0.0 } else { 10.0 };
///     sample.insert(&[center + f32::from(at) / 100.0, center], 1_000);
/// }
/// let encoder = VectorEncoder::from_sample(&sample);
/// assert_ne!(encoder.encode(&[0.1, 0.0]), encoder.encode(&[9.9, 10.0]));
/// assert_eq!(encoder.label(encoder.encode(&[500.0, 500.0])), "far");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VectorEncoder {
    length: usize,
    /// Squared distance to the nearest centroid beyond which a vector is `far`.
    radius_squared: f32,
    centroids: Vec<Vec<f32>>,
}

impl VectorEncoder {
    /// A codebook of the sample; empty (every vector is `far`) where there is none.
    pub fn from_sample(sample: &VectorSample) -> Self {
        let vectors = sample.of_one_length();
        let length = vectors.first().map_or(0, |v| v.len());
        let mut centroids = seeds(&vectors);
        for _ in 0..ROUNDS {
            centroids = lloyd(&vectors, &centroids);
        }
        let radius_squared =
            vectors.iter().map(|v| nearest(&centroids, v).1).fold(0.0f32, f32::max) * 1.5;
        Self { length, radius_squared, centroids }
    }

    /// Number of centroids.
    pub fn centroids(&self) -> usize {
        self.centroids.len()
    }

    /// The code of a vector: its centroid, `far`, or `invalid` (another length, a non-finite entry);
    /// an empty one is `null`.
    pub fn encode(&self, vector: &[f32]) -> usize {
        let k = self.centroids.len();
        if vector.is_empty() {
            return k + 1;
        }
        if (self.length != 0 && vector.len() != self.length)
            || vector.iter().any(|x| !x.is_finite())
        {
            return k + 2;
        }
        match nearest(&self.centroids, vector) {
            (code, distance) if distance <= self.radius_squared && code < k => code,
            _ => k,
        }
    }

    /// A code in words.
    pub fn label(&self, code: usize) -> String {
        if code < self.centroids.len() { format!("cluster {code}") } else { "far".into() }
    }
}

fn distance_squared(a: &[f32], b: &[f32]) -> f32 {
    // Eight running sums in a fixed order: vectorisable, and the same bits everywhere.
    let mut sums = [0.0f32; 8];
    let (heads, tails) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 =
        heads.remainder().iter().zip(tails.remainder()).map(|(x, y)| (x - y) * (x - y)).sum();
    for (x, y) in heads.zip(tails) {
        for i in 0..8 {
            sums[i] += (x[i] - y[i]) * (x[i] - y[i]);
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// Index of and squared distance to the nearest centroid; the first of equals.
fn nearest(centroids: &[Vec<f32>], vector: &[f32]) -> (usize, f32) {
    centroids.iter().enumerate().fold((usize::MAX, f32::INFINITY), |best, (i, c)| {
        let distance = distance_squared(c, vector);
        if distance < best.1 { (i, distance) } else { best }
    })
}

fn seeds(vectors: &[&[f32]]) -> Vec<Vec<f32>> {
    let Some(first) = vectors.first() else { return Vec::new() };
    let mut seeds = vec![first.to_vec()];
    while seeds.len() < CENTROIDS_MAX.min(vectors.len() / 8 + 1) {
        let farthest = vectors
            .iter()
            .map(|v| (nearest(&seeds, v).1, v))
            .fold((0.0f32, None), |best, (d, v)| if d > best.0 { (d, Some(v)) } else { best });
        match farthest.1 {
            Some(v) => seeds.push(v.to_vec()),
            None => break,
        }
    }
    seeds
}

fn lloyd(vectors: &[&[f32]], centroids: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let mut sums: Vec<(Vec<f64>, u32)> =
        centroids.iter().map(|c| (vec![0.0; c.len()], 0)).collect();
    for v in vectors {
        if let Some((sum, n)) = sums.get_mut(nearest(centroids, v).0) {
            sum.iter_mut().zip(*v).for_each(|(s, x)| *s += f64::from(*x));
            *n += 1;
        }
    }
    sums.into_iter()
        .zip(centroids)
        .map(|((sum, n), old)| match n {
            0 => old.clone(),
            n => sum.iter().map(|s| (s / f64::from(n)) as f32).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(center: f32, n: u32) -> Vec<Vec<f32>> {
        (0..n)
            .map(|i| (0..9).map(|d| center + ((i * 31 + d * 17) % 13) as f32 * 0.05).collect())
            .collect()
    }

    #[test]
    fn clusters_are_found_whatever_the_order() {
        let all: Vec<_> = cloud(0.0, 60).into_iter().chain(cloud(5.0, 60)).collect();
        let (mut forward, mut backward) = (VectorSample::default(), VectorSample::default());
        all.iter().for_each(|v| forward.insert(v, 64));
        all.iter().rev().for_each(|v| backward.insert(v, 64));
        assert_eq!(forward, backward);
        let e = VectorEncoder::from_sample(&forward);
        let (near, other) = (e.encode(&all[0]), e.encode(&all[60]));
        assert!(near < e.centroids() && other < e.centroids() && near != other);
        assert_eq!(e.encode(&[100.0; 9]), e.centroids());
        assert_eq!(e.encode(&[]), e.centroids() + 1);
        assert_eq!(e.encode(&[1.0; 8]), e.centroids() + 2);
        assert_eq!(e.encode(&[f32::NAN; 9]), e.centroids() + 2);
    }
}
