//! Classes that follow from numbers: how large an enterprise is.

use std::sync::Arc;

use super::{Known, Note, Profile};
use crate::applicability::dictionary::Dictionary;
use crate::applicability::expression::{Fact, Facts};
use crate::applicability::value::year_of;
use crate::record::attribute::{AttributePeriod, Attributes, Bounds, Classification};
use crate::record::kind::Label;

impl Profile {
    /// Derives the classes that nobody states, as far as the numbers say; returns what should be known about it.
    ///
    /// Numbers by year are those of the year before `as_of`. More numbers leave fewer classes possible, never others.
    pub(super) fn classify(&mut self, dictionary: &Dictionary, as_of: i32) -> Vec<Note> {
        let attributes = dictionary.attributes();
        let mut notes = Vec::new();
        for rule in &attributes.classifications {
            if self.is_known(rule.attribute) {
                continue;
            }
            let Some((classes, label)) = self.classes(rule, attributes, as_of) else { continue };
            let vocabulary = attributes.list[rule.attribute].vocabulary.as_deref();
            let Some(vocabulary) = vocabulary else { continue };
            let entries = || classes.iter().map(|&class| &vocabulary.entries[class as usize]);
            let paths: Option<Vec<Arc<[u32]>>> =
                entries().map(|entry| dictionary.path(vocabulary, &entry.code)).collect();
            let Some(mut paths) = paths else { continue };
            let names = |pick: fn(&Label) -> &str, between: &str| {
                entries().map(|entry| pick(&entry.label)).collect::<Vec<_>>().join(between)
            };
            let derived = &attributes.list[rule.attribute];
            notes.push(Note {
                attribute: derived.id.to_string(),
                code: "derived",
                say: Label {
                    zh: format!(
                        "{}未填写，按{}的划分标准推算为{}",
                        derived.label.zh,
                        label.zh,
                        names(|label| &label.zh, "或")
                    ),
                    en: format!(
                        "{} is not stated; by the bounds for {} it is {}",
                        derived.label.en,
                        label.en,
                        names(|label| &label.en, " or ")
                    ),
                },
            });
            let known = match paths.len() {
                1 => Known::Code(paths.remove(0)),
                _ => Known::OneOf(paths),
            };
            self.set(rule.attribute, known);
            self.derived |= 1 << rule.attribute;
        }
        notes
    }

    /// The classes that are still possible, and what the branch is called; `None` when all are.
    fn classes<'a>(
        &self,
        rule: &'a Classification,
        attributes: &Attributes,
        as_of: i32,
    ) -> Option<(&'a [u32], &'a Label)> {
        let is_meant = |(attribute, codes): &(usize, Vec<u32>)| matches!(self.codes(*attribute, None), [path] if codes.contains(&path[0]));
        if !rule.only.iter().all(is_meant) {
            return None;
        }
        let [path] = self.codes(rule.by, None) else { return None };
        let branch = rule.branch(path)?;
        let highest = rule.classes.len() - 1;
        let reached = |bounds: &Bounds| {
            let by_year = attributes.list[bounds.attribute].period == AttributePeriod::Year;
            let year = by_year.then(|| year_of(as_of) - 1);
            match self.number(bounds.attribute, year) {
                Fact::Known(value) => (bounds.class(value.low), bounds.class(value.high)),
                Fact::BeforeFounding | Fact::Missing => (0, highest),
            }
        };
        // A class needs every number: the least of them decides.
        let spans = branch.measures.iter().map(reached);
        let (low, high) =
            spans.fold((highest, highest), |(low, high), span| (low.min(span.0), high.min(span.1)));
        ((low, high) != (0, highest)).then(|| (&rule.classes[low..=high], &branch.label))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::record::Catalog;
    use crate::record::value::days;

    /// The sizes that a profile may be of, by their codes, lowest first; empty when nothing is known.
    fn sizes(profile: &Value) -> (Vec<String>, bool) {
        let catalog = Arc::new(Catalog::open(None).expect("the embedded configuration"));
        let dictionary = Dictionary::new(catalog).expect("its attributes");
        let today = days("2026-11-23").unwrap();
        let (profile, notes) =
            Profile::read(profile.as_object().unwrap(), &dictionary, today, today).unwrap();
        let at = dictionary.attributes().find("size").unwrap();
        let vocabulary = dictionary.attributes().list[at].vocabulary.clone().unwrap();
        let code = |path: &Arc<[u32]>| vocabulary.entries[path[0] as usize].code.clone();
        assert_eq!(profile.is_derived(at), notes.iter().any(|note| note.code == "derived"));
        (profile.codes(at, None).iter().map(code).collect(), profile.is_derived(at))
    }

    #[test]
    fn sizes_follow_from_industry_staff_and_revenue() {
        let check = |industry: &str,
                     staff: Value,
                     revenue: Value,
                     assets: Value,
                     expected: &[&str]| {
            let profile = json!({
                "entity_type": "company", "industry": industry, "staff": staff, "revenue": { "2025": revenue },
                "total_assets": { "2025": assets },
            });
            let expected: Vec<String> = expected.iter().map(|code| (*code).to_owned()).collect();
            let derived = !expected.is_empty();
            assert_eq!(sizes(&profile), (expected, derived), "{profile}");
        };
        let (wan, nothing) = (10_000, Value::Null);
        let money = |amount: i64| json!(amount * wan);
        // 工业
        check("C2710", json!(1000), money(40_000), nothing.clone(), &["large"]);
        check("C2710", json!(1000), money(39_999), nothing.clone(), &["medium"]);
        check("C2710", json!(999), money(40_000), nothing.clone(), &["medium"]);
        check("C2710", json!(300), money(1_999), nothing.clone(), &["small"]);
        check("C2710", json!(19), money(40_000), nothing.clone(), &["micro"]);
        // One number is enough for the lowest class, and rules the higher ones out.
        check("C2710", json!(19), nothing.clone(), nothing.clone(), &["micro"]);
        check("C2710", json!(150), nothing.clone(), nothing.clone(), &["micro", "small"]);
        check("C2710", nothing.clone(), nothing.clone(), nothing.clone(), &[]);
        check("C2710", json!(5_000), nothing.clone(), nothing.clone(), &[]);
        check("C2710", json!(500), json!("1500万–3000万"), nothing.clone(), &["small", "medium"]);
        // Other measures, other branches.
        check("I6513", json!(100), money(1_000), nothing.clone(), &["medium"]);
        check("L7211", json!(100), nothing.clone(), money(8_000), &["medium"]);
        check("E4710", nothing.clone(), money(6_000), money(5_000), &["medium"]);
        check("M7340", json!(9), nothing.clone(), nothing.clone(), &["micro"]);
        // Outside of the regulation, or not said exactly enough.
        check("J6621", json!(9), money(1), nothing.clone(), &[]);
        check("G", json!(9), money(1), nothing, &[]);
    }

    #[test]
    fn what_is_stated_stands() {
        let stated = json!({
            "entity_type": "company", "industry": "C2710", "staff": 10, "size": "large",
        });
        assert_eq!(sizes(&stated), (vec!["large".to_owned()], false));
    }

    #[test]
    fn only_enterprises_have_a_size() {
        for entity in [json!("branch"), json!("sci_institute"), Value::Null] {
            let profile = json!({ "entity_type": entity, "industry": "C2710", "staff": 10 });
            assert_eq!(sizes(&profile), (vec![], false), "{profile}");
        }
    }
}
