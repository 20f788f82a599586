//! A service that turns texts into vectors, spoken to as OpenAI's `/v1/embeddings` is, and a breaker before it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use serde::{Deserialize, Serialize};

use super::VectorsConfig;

/// Most numbers of one vector.
const MAX_DIMENSION: usize = 8_192;

/// Why there are no vectors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Nothing was asked: it failed too often lately.
    #[error("it failed lately and is left alone for a while")]
    Open,
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it did not answer in time")]
    Slow,
    #[error("it answered {0}")]
    Refused(u16),
    /// The answer is none that can be used.
    #[error("its answer cannot be used: {0}")]
    Bad(&'static str),
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [&'a str],
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Embedding>,
}

#[derive(Deserialize)]
struct Embedding {
    index: usize,
    embedding: Vec<f32>,
}

/// The service.
pub struct Endpoint {
    url: String,
    model: String,
    key: Option<String>,
    client: Client,
    breaker: Mutex<Breaker>,
}

impl Endpoint {
    /// `url` is the whole address. No redirect is followed: texts and key go where they were meant to go.
    pub fn new(url: &str, config: &VectorsConfig) -> Result<Self, String> {
        let client = Client::builder().redirect(Policy::none()).build();
        Ok(Self {
            url: url.to_owned(),
            model: config.model.clone(),
            key: config.key.clone(),
            client: client.map_err(|error| error.to_string())?,
            breaker: Mutex::new(Breaker::new(
                config.failures,
                Duration::from_secs(config.pause_seconds),
            )),
        })
    }

    /// Turns texts into vectors of length 1, in their order. Asks once, and not at all while the breaker is open.
    /// Blocks up to `timeout`.
    pub fn embed(
        &self,
        texts: &[&str],
        dimension: Option<usize>,
        timeout: Duration,
    ) -> Result<Vec<Vec<f32>>, EndpointError> {
        if !self.breaker().may_pass(Instant::now()) {
            return Err(EndpointError::Open);
        }
        let answer = self.ask(texts, dimension, timeout);
        self.breaker().note(answer.is_ok(), Instant::now());
        answer
    }

    fn ask(
        &self,
        texts: &[&str],
        dimension: Option<usize>,
        timeout: Duration,
    ) -> Result<Vec<Vec<f32>>, EndpointError> {
        let body = Request { model: &self.model, input: texts, encoding_format: "float" };
        let mut request = self.client.post(&self.url).timeout(timeout).json(&body);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let failed = |error: reqwest::Error| match error.is_timeout() {
            true => EndpointError::Slow,
            false => EndpointError::Unreachable(error.without_url().to_string()),
        };
        let response = request.send().map_err(failed)?;
        if !response.status().is_success() {
            return Err(EndpointError::Refused(response.status().as_u16()));
        }
        let bytes = response.bytes().map_err(failed)?;
        let answer: Answer =
            serde_json::from_slice(&bytes).map_err(|_| EndpointError::Bad("no list of vectors"))?;
        vectors(answer, texts.len(), dimension)
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks an answer and brings its vectors into order and to length 1.
fn vectors(
    answer: Answer,
    count: usize,
    dimension: Option<usize>,
) -> Result<Vec<Vec<f32>>, EndpointError> {
    let mut vectors: Vec<Vec<f32>> = vec![Vec::new(); count];
    for Embedding { index, mut embedding } in answer.data {
        let expected = dimension.unwrap_or(embedding.len());
        if embedding.is_empty() || embedding.len() > MAX_DIMENSION || embedding.len() != expected {
            return Err(EndpointError::Bad("a vector of another dimension"));
        }
        let length = embedding.iter().map(|number| number * number).sum::<f32>().sqrt();
        if !length.is_finite() || length < 1e-12 {
            return Err(EndpointError::Bad("a vector without length, or with what is no number"));
        }
        embedding.iter_mut().for_each(|number| *number /= length);
        match vectors.get_mut(index) {
            Some(place) if place.is_empty() => *place = embedding,
            _ => return Err(EndpointError::Bad("vectors for other texts")),
        }
    }
    let dimensions = vectors.first().map_or(0, Vec::len);
    match vectors.iter().all(|vector| !vector.is_empty() && vector.len() == dimensions) {
        true => Ok(vectors),
        false => Err(EndpointError::Bad("too few vectors")),
    }
}

/// Leaves a service alone that fails again and again.
struct Breaker {
    /// Failures one after the other.
    failures: u32,
    most: u32,
    pause: Duration,
    open_until: Option<Instant>,
}

impl Breaker {
    fn new(most: u32, pause: Duration) -> Self {
        Self { failures: 0, most: most.max(1), pause, open_until: None }
    }

    /// Tells whether to ask. After the pause one caller may try; the others wait for what comes of it.
    fn may_pass(&mut self, now: Instant) -> bool {
        match self.open_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                self.open_until = Some(now + self.pause);
                true
            }
        }
    }

    fn note(&mut self, good: bool, now: Instant) {
        if good {
            (self.failures, self.open_until) = (0, None);
        } else {
            self.failures += 1;
            if self.failures >= self.most {
                self.open_until = Some(now + self.pause);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breaker_opens_after_failures_and_lets_one_try() {
        let pause = Duration::from_secs(30);
        let mut breaker = Breaker::new(2, pause);
        let start = Instant::now();
        assert!(breaker.may_pass(start));
        breaker.note(false, start);
        assert!(breaker.may_pass(start), "one failure is no failure");
        breaker.note(false, start);
        assert!(!breaker.may_pass(start) && !breaker.may_pass(start + pause / 2));
        assert!(breaker.may_pass(start + pause), "one tries");
        assert!(!breaker.may_pass(start + pause), "the others wait");
        breaker.note(true, start + pause);
        assert!(breaker.may_pass(start + pause));
    }

    #[test]
    fn only_answers_that_can_be_used_are_used() {
        let check = |json: &str, dimension: Option<usize>, good: bool| {
            let answer = serde_json::from_str::<Answer>(json).ok();
            let found = answer.and_then(|answer| vectors(answer, 2, dimension).ok());
            assert_eq!(found.is_some(), good, "{json}");
            found
        };
        let good = r#"{"data":[{"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,4]}]}"#;
        assert_eq!(check(good, None, true), Some(vec![vec![0.6, 0.8], vec![0.0, 1.0]]));
        check(good, Some(2), true);
        check(good, Some(3), false);
        check(r#"{"data":[{"index":0,"embedding":[1,0]}]}"#, None, false);
        check(
            r#"{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]}"#,
            None,
            false,
        );
        check(r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#, None, false);
        check(r#"{"data":[{"index":0,"embedding":[1]},{"index":7,"embedding":[1]}]}"#, None, false);
        check(r#"{"data":[{"index":0,"embedding":[0]},{"index":1,"embedding":[1]}]}"#, None, false);
        check(
            r#"{"data":[{"index":0,"embedding":[1e39]},{"index":1,"embedding":[1]}]}"#,
            None,
            false,
        );
        check(
            r#"{"data":[{"index":0,"embedding":[null]},{"index":1,"embedding":[1]}]}"#,
            None,
            false,
        );
        check(r#"{"data":[{"index":0,"embedding":[]},{"index":1,"embedding":[]}]}"#, None, false);
        check(r#"{"error":"no"}"#, None, false);
    }
}
