//! Vectors in memory, a byte a number.

use std::collections::HashMap;
use std::sync::Arc;

use crate::record::RecordId;

/// What 1 is kept as.
const ONE: f32 = 127.0;
/// Fewer vectors say nothing about what all texts have in common.
const MIN_CENTERED: usize = 50;

/// The vectors of all records.
///
/// Vectors of a model crowd in one direction, so that everything seems alike: the mean of all is taken off before two
/// are compared.
#[derive(Default)]
pub struct Shelves {
    kinds: HashMap<Arc<str>, Shelf>,
    dimension: Option<usize>,
    mean: Vec<f32>,
    /// Vectors that the mean was taken of.
    counted: usize,
    len: usize,
}

#[derive(Default)]
struct Shelf {
    ids: Vec<RecordId>,
    at: HashMap<RecordId, usize>,
    data: Vec<i8>,
    /// Lengths without the mean, of the vectors as they are kept.
    lengths: Vec<f32>,
}

impl Shelves {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Numbers of a vector; `None` before there is one.
    pub fn dimension(&self) -> Option<usize> {
        self.dimension
    }

    /// Puts a vector of length 1 in place of the record's; one of another dimension is left out.
    pub fn put(&mut self, id: RecordId, vector: &[f32]) {
        let dimension = *self.dimension.get_or_insert(vector.len());
        if vector.len() != dimension {
            return;
        }
        self.remove(&id);
        let vector: Vec<i8> = vector.iter().map(|number| (number * ONE).round() as i8).collect();
        let length = centered_length(&vector, &self.mean);
        let shelf = self.kinds.entry(id.kind.clone()).or_default();
        shelf.at.insert(id.clone(), shelf.ids.len());
        shelf.ids.push(id);
        shelf.data.extend(vector);
        shelf.lengths.push(length);
        self.len += 1;
        if self.len >= MIN_CENTERED && self.len >= 2 * self.counted {
            self.center(dimension);
        }
    }

    pub fn remove(&mut self, id: &RecordId) {
        let Some(dimension) = self.dimension else { return };
        let Some(shelf) = self.kinds.get_mut(&id.kind) else { return };
        let Some(at) = shelf.at.remove(id) else { return };
        let last = shelf.ids.len() - 1;
        shelf.ids.swap_remove(at);
        shelf.lengths.swap_remove(at);
        shelf.data.copy_within(last * dimension.., at * dimension);
        shelf.data.truncate(last * dimension);
        if let Some(moved) = shelf.ids.get(at) {
            shelf.at.insert(moved.clone(), at);
        }
        self.len -= 1;
    }

    fn center(&mut self, dimension: usize) {
        let mut sum = vec![0f64; dimension];
        for vector in self.kinds.values().flat_map(|shelf| shelf.data.chunks_exact(dimension)) {
            for (sum, number) in sum.iter_mut().zip(vector) {
                *sum += f64::from(*number);
            }
        }
        let count = self.len as f64 * f64::from(ONE);
        self.mean = sum.iter().map(|sum| (sum / count) as f32).collect();
        self.counted = self.len;
        for shelf in self.kinds.values_mut() {
            let vectors = shelf.data.chunks_exact(dimension);
            shelf.lengths = vectors.map(|vector| centered_length(vector, &self.mean)).collect();
        }
    }

    /// Compares a vector of length 1 with those of records: 1 is the same, 0 or less nothing in common.
    pub fn similarities(&self, from: &[f32], to: &[RecordId]) -> Vec<Option<f32>> {
        let probe = Probe::new(from, &self.mean);
        to.iter()
            .map(|id| {
                let shelf = self.kinds.get(&id.kind)?;
                shelf.at.get(id).map(|&at| probe.compare(shelf, at))
            })
            .collect()
    }

    /// Lists the nearest records of a kind, the nearest first.
    pub fn nearest(&self, from: &[f32], kind: &str, limit: usize) -> Vec<(RecordId, f32)> {
        let Some(shelf) = self.kinds.get(kind) else { return Vec::new() };
        let probe = Probe::new(from, &self.mean);
        let mut all: Vec<(usize, f32)> =
            (0..shelf.ids.len()).map(|at| (at, probe.compare(shelf, at))).collect();
        all.sort_unstable_by(|a, b| {
            b.1.total_cmp(&a.1).then_with(|| shelf.ids[a.0].cmp(&shelf.ids[b.0]))
        });
        all.truncate(limit);
        all.into_iter().map(|(at, value)| (shelf.ids[at].clone(), value)).collect()
    }
}

/// A vector with the mean taken off, to compare with many.
struct Probe {
    centered: Vec<f32>,
    length: f32,
    /// Product with the mean.
    along: f32,
}

impl Probe {
    fn new(from: &[f32], mean: &[f32]) -> Self {
        let off = |at: usize| mean.get(at).copied().unwrap_or_default();
        let centered: Vec<f32> =
            from.iter().enumerate().map(|(at, number)| number - off(at)).collect();
        Self { length: dot(&centered, &centered).sqrt(), along: dot(&centered, mean), centered }
    }

    fn compare(&self, shelf: &Shelf, at: usize) -> f32 {
        let dimension = self.centered.len();
        let Some(vector) = shelf.data.get(at * dimension..(at + 1) * dimension) else { return 0.0 };
        let length = shelf.lengths[at];
        let product = dot_bytes(&self.centered, vector) - self.along;
        product / (self.length * length).max(1e-6)
    }
}

/// Of the rounded vector: what is left without the mean may be as short as the rounding.
fn centered_length(vector: &[i8], mean: &[f32]) -> f32 {
    let at = |at: usize| mean.get(at).copied().unwrap_or_default();
    let squares = vector.iter().enumerate().map(|(place, number)| {
        let number = f32::from(*number) / ONE - at(place);
        number * number
    });
    squares.sum::<f32>().sqrt()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn dot_bytes(a: &[f32], b: &[i8]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * f32::from(*b)).sum::<f32>() / ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(numbers: [f32; 3]) -> Vec<f32> {
        let length = dot(&numbers, &numbers).sqrt();
        numbers.iter().map(|number| number / length).collect()
    }

    fn id(number: usize) -> RecordId {
        RecordId::new("thing", number.to_string())
    }

    #[test]
    fn what_all_have_in_common_does_not_count() {
        let mut shelves = Shelves::default();
        for number in 0..60 {
            let turn = number as f32;
            shelves.put(id(number), &unit([10.0, turn.sin(), turn.cos()]));
        }
        let from = unit([10.0, 0f32.sin(), 0f32.cos()]);
        let near = shelves.nearest(&from, "thing", 60);
        assert_eq!(near[0].0, id(0));
        assert!(near[0].1 > 0.9 && near[59].1 < -0.9, "{} {}", near[0].1, near[59].1);
        let known = shelves.similarities(&from, &[id(0), id(99)]);
        assert!(known[0] == Some(near[0].1) && known[1].is_none());
    }

    #[test]
    fn vectors_are_replaced_and_removed() {
        let mut shelves = Shelves::default();
        for number in 0..3 {
            shelves.put(id(number), &unit([1.0, number as f32, 0.0]));
        }
        shelves.put(id(0), &unit([0.0, 0.0, 1.0]));
        shelves.remove(&id(1));
        shelves.remove(&id(1));
        shelves.put(id(7), &[1.0]);
        assert_eq!((shelves.len(), shelves.dimension()), (2, Some(3)));
        let near = shelves.nearest(&unit([0.0, 0.0, 1.0]), "thing", 9);
        assert_eq!(near.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), [id(0), id(2)]);
        assert!(near[0].1 > 0.99 && near[1].1.abs() < 0.01);
    }
}
