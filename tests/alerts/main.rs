//! The laws of alerts, held to what happens at random. `KECHUANG_ALERT_SEED=N` repeats a run.

mod searches;
mod verdicts;

use std::time::SystemTime;

pub struct Random(u64);

impl Random {
    pub fn seeded() -> Self {
        let seed = std::env::var("KECHUANG_ALERT_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            now.expect("a clock after 1970").as_nanos() as u64
        });
        println!("KECHUANG_ALERT_SEED={seed}");
        Self(seed)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % end
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}
