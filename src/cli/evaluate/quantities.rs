//! `evaluate --task quantities`: what is read as quantities in the texts of a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde_json::Value;

use super::{Evaluate, each_line};
use crate::config::Config;
use crate::quantity::{Bound, Quantity, Said, Units};

/// Characters of the text shown on either side of a sampled quantity.
const AROUND: usize = 30;

/// What was found, as `--json` prints it.
#[derive(Debug, Default, Serialize)]
struct Found {
    set: String,
    texts: usize,
    /// Texts with a digit in them.
    with_digits: usize,
    with_quantities: usize,
    quantities: usize,
    /// With one bound, such as `≥ 3`.
    one_sided: usize,
    /// With two, such as `3～5`.
    ranges: usize,
    /// `±3`
    tolerances: usize,
    /// Without any.
    plain: usize,
    named: usize,
    /// Different dimensions.
    dimensions: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sample: Vec<Sampled>,
}

/// A quantity to be checked by a person.
#[derive(Debug, Serialize)]
struct Sampled {
    file: String,
    id: String,
    /// The text around it, the quantity between ⟦ and ⟧.
    context: String,
    name: String,
    /// In base units.
    low: Option<f64>,
    high: Option<f64>,
    said: &'static str,
}

pub fn run(evaluate: &Evaluate) -> anyhow::Result<ExitCode> {
    ensure!(evaluate.set.is_dir(), "--set {}: not a folder", evaluate.set.display());
    let config = Config::read(evaluate.config.as_deref())?;
    let units = Units::open(config.index_config.as_deref())?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(&evaluate.set)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_lines(path))
        .collect();
    files.sort();
    ensure!(!files.is_empty(), "{} has no .jsonl or .jsonl.gz", evaluate.set.display());
    let mut found = Found { set: evaluate.set.display().to_string(), ..Found::default() };
    let mut dimensions = BTreeSet::new();
    // By a hash of where they stand: the same sample every time, from all files.
    let mut sample: BTreeMap<u64, Sampled> = BTreeMap::new();
    for path in &files {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        each_line(path, |line: Value| {
            let id = line.get("id").and_then(Value::as_str).unwrap_or_default();
            let members = line.as_object().with_context(|| "an object is expected")?;
            for (member, text) in members {
                let Some(text) = text.as_str().filter(|_| member != "id") else { continue };
                found.texts += 1;
                found.with_digits += usize::from(text.chars().any(|ch| ch.is_ascii_digit()));
                let quantities = units.find(text);
                found.with_quantities += usize::from(!quantities.is_empty());
                for quantity in quantities {
                    found.count(&quantity);
                    dimensions.insert(format!("{:?}", quantity.dimension));
                    let key = hash(&format!("{file} {id} {member} {}", quantity.place.start));
                    if sample.len() < evaluate.sample || sample.keys().last() > Some(&key) {
                        sample.insert(key, sampled(&file, id, text, &quantity));
                    }
                    if sample.len() > evaluate.sample {
                        sample.pop_last();
                    }
                }
            }
            Ok(())
        })?;
    }
    found.dimensions = dimensions.len();
    found.sample = sample.into_values().collect();
    match evaluate.json {
        true => println!("{}", serde_json::to_string(&found)?),
        false => found.print(),
    }
    Ok(ExitCode::SUCCESS)
}

fn is_lines(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".jsonl") || name.ends_with(".jsonl.gz")
}

impl Found {
    fn count(&mut self, quantity: &Quantity) {
        self.quantities += 1;
        self.named += usize::from(!quantity.name.is_empty());
        let open = quantity.low == Bound::Open || quantity.high == Bound::Open;
        let kind = match quantity.said {
            Said::Plain => &mut self.plain,
            Said::Tolerance => &mut self.tolerances,
            Said::Bounded if open => &mut self.one_sided,
            Said::Bounded => &mut self.ranges,
        };
        *kind += 1;
    }

    fn print(&self) {
        println!("{}: {} texts, {} with digits", self.set, self.texts, self.with_digits);
        println!("{} quantities in {} texts", self.quantities, self.with_quantities);
        println!(
            "{} plain, {} with one bound, {} ranges, {} tolerances; {} with a name, {} dimensions",
            self.plain, self.one_sided, self.ranges, self.tolerances, self.named, self.dimensions
        );
        let shown = |end: Option<f64>| end.map_or("–".to_owned(), |end| end.to_string());
        for sampled in &self.sample {
            println!("\n{} {}  {}", sampled.file, sampled.id, sampled.context);
            let (low, high) = (shown(sampled.low), shown(sampled.high));
            println!("    {:?} {low} to {high} ({})", sampled.name, sampled.said);
        }
    }
}

fn sampled(file: &str, id: &str, text: &str, quantity: &Quantity) -> Sampled {
    let place = quantity.place.clone();
    let before: Vec<char> = text[..place.start].chars().rev().take(AROUND).collect();
    let before: String = before.into_iter().rev().collect();
    let after: String = text[place.end..].chars().take(AROUND).collect();
    let context = format!("{before}⟦{}⟧{after}", &text[place]);
    let (low, high) = quantity.ends();
    let finite = |end: f64| end.is_finite().then_some(end);
    Sampled {
        file: file.to_owned(),
        id: id.to_owned(),
        context: context.replace('\n', " "),
        name: quantity.name.clone(),
        low: finite(low),
        high: finite(high),
        said: match quantity.said {
            Said::Plain => "plain",
            Said::Bounded => "bounded",
            Said::Tolerance => "tolerance",
        },
    }
}

/// FNV-1a, its bits mixed once more: neighbours must not stay neighbours.
/// Source: Fowler, Noll & Vo.
fn hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
