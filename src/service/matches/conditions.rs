//! Conditions of records against an enterprise's profile, as a feature among others.

use serde_json::Value;

use super::{Looking, MatchService};
use crate::applicability::explain::{ConditionView, Explanation, explain};
use crate::applicability::{Rules, Verdict};
use crate::matching::feature::Compared;
use crate::record::attribute::AttributeType;
use crate::record::{Fields, Lang, RecordKind};

impl MatchService {
    /// Compares by the record's conditions; nothing is said where it states none.
    pub(super) fn conditions(
        &self,
        looking: &Looking,
        kind: &RecordKind,
        fields: &Fields,
        today: i32,
    ) -> Compared {
        let Some(profile) = &looking.profile else { return Compared::default() };
        let Some((rules, _)) = Rules::read(kind, fields, &self.dictionary) else {
            return Compared::default();
        };
        let about = explain(&rules, profile, today, None, &self.dictionary, Lang::Zh);
        if about.conditions.is_empty() {
            return Compared::default();
        }
        let (value, verdict) = match about.verdict {
            _ if about.excluded.is_some() => (0.0, "fail"),
            Verdict::Pass => (1.0, "pass"),
            Verdict::Unknown => (0.5, "unknown"),
            Verdict::Fail if about.near => (0.25, "near"),
            Verdict::Fail => (0.0, "fail"),
        };
        Compared {
            value: Some(value),
            from: evidence(&about),
            to: about.say,
            verdict: Some(verdict),
            ..Compared::default()
        }
    }

    /// A profile as the features read it: codes instead of their labels, lists of codes as objects.
    pub(super) fn canonical(&self, said: &Fields) -> Fields {
        let attributes = self.dictionary.attributes();
        let canonical = said.iter().map(|(name, value)| {
            let attribute = attributes.find(name).map(|at| &attributes.list[at]);
            let known = attribute.and_then(|attribute| attribute.vocabulary.as_deref());
            let code = |value: &Value| match (value.as_str(), known) {
                (Some(text), Some(known)) if known.index(text.trim()).is_none() => {
                    known.by_label(text.trim()).map_or_else(|| value.clone(), Value::from)
                }
                _ => value.clone(),
            };
            let is_list =
                attribute.is_some_and(|known| known.attribute_type == AttributeType::CodeSet);
            let value = match value {
                value if !is_list => code(value),
                Value::Object(list) => listed(list.get("items"), code),
                list => listed(Some(list), code),
            };
            (name.clone(), value)
        });
        canonical.collect()
    }
}

/// `["a", {"code": "b"}]` as `[{"code": "a"}, {"code": "b"}]`; what is said to be not held is left out.
fn listed(items: Option<&Value>, code: impl Fn(&Value) -> Value) -> Value {
    let items = items.and_then(Value::as_array).into_iter().flatten();
    let held = items.filter(|item| item.get("held") != Some(&Value::Bool(false)));
    let object = |item: &Value| {
        let mut object = item.as_object().cloned().unwrap_or_default();
        let named = if item.is_string() { item } else { item.get("code").unwrap_or(&Value::Null) };
        object.insert("code".to_owned(), code(named));
        Value::Object(object)
    };
    held.map(object).collect::<Vec<_>>().into()
}

/// What decided: the conditions that fail, else those that are open, else those that pass, in the record's words.
fn evidence(about: &Explanation) -> String {
    let of = |wanted: Verdict| {
        let conditions = about.conditions.iter().filter(move |view| view.verdict == wanted);
        conditions.map(said).collect::<Vec<_>>().join("；")
    };
    [Verdict::Fail, Verdict::Unknown, Verdict::Pass]
        .into_iter()
        .map(of)
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

fn said(condition: &ConditionView) -> String {
    match &condition.margin {
        Some(margin) => margin.clone(),
        None => condition.text.clone(),
    }
}
