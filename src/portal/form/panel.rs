//! What stands beside a form: how complete it is, and what may answer it already.

use askama::Template;
use serde_json::Value;

use crate::app::App;
use crate::matching::Subject;
use crate::portal::links::record_path;
use crate::portal::proofs::{self, ProofView};
use crate::portal::text::FormTexts;
use crate::portal::visitor::Visitor;
use crate::record::kind::{Advice, Form};
use crate::record::{Fields, RecordKind, Visibility};
use crate::service::matches::{MatchItem, MatchRequest};

/// Characters from which recommendations are of use.
const LEAST: usize = 15;
/// Recommendations of the first kind, and of each other one.
const FIRST: usize = 5;
const OTHERS: usize = 2;
/// Reasons shown with each.
const REASONS: usize = 2;

#[derive(Template)]
#[template(path = "form_panel.html")]
pub struct Panel {
    t: &'static FormTexts,
    colon: &'static str,
    points: u64,
    points_text: String,
    advice: Vec<String>,
    /// There is too little to go by.
    wait: bool,
    groups: Vec<Group>,
}

struct Group {
    heading: String,
    matches: Vec<Match>,
}

struct Match {
    href: String,
    title: String,
    reasons: Vec<(String, String)>,
    proofs: Vec<ProofView>,
}

impl Panel {
    pub fn of(
        app: &App,
        visitor: &Visitor,
        kind: &RecordKind,
        form: &Form,
        fields: &Fields,
    ) -> Self {
        let t = FormTexts::of(visitor.lang);
        let (points, missing) = advice_points(form, fields);
        let written: usize =
            fields.values().filter_map(Value::as_str).map(|text| text.chars().count()).sum();
        let wait = written < LEAST;
        Self {
            t,
            colon: visitor.texts().colon,
            points,
            points_text: (t.quality_of)(&points.to_string()),
            advice: missing
                .iter()
                .map(|advice| visitor.lang.pick(&advice.text).to_owned())
                .collect(),
            wait,
            groups: if wait { Vec::new() } else { groups(app, visitor, kind, form, fields) },
        }
    }
}

/// How complete a record is, of 100, and what is missing.
pub fn advice_points<'a>(form: &'a Form, fields: &Fields) -> (u64, Vec<&'a Advice>) {
    let (met, missing): (Vec<&Advice>, Vec<&Advice>) =
        form.advice.iter().partition(|advice| is_met(advice, fields));
    (met.iter().map(|advice| u64::from(advice.points)).sum(), missing)
}

fn is_met(advice: &Advice, fields: &Fields) -> bool {
    match fields.get(&advice.field) {
        None | Some(Value::Null) => false,
        Some(Value::Array(values)) => values.len() >= advice.least,
        Some(Value::String(text)) if advice.least > 1 => text.chars().count() >= advice.least,
        Some(_) => true,
    }
}

/// The kinds that the form recommends, then its own: what is there already.
fn groups(
    app: &App,
    visitor: &Visitor,
    kind: &RecordKind,
    form: &Form,
    fields: &Fields,
) -> Vec<Group> {
    let t = FormTexts::of(visitor.lang);
    let mut fields = fields.clone();
    // What is not finished yet must not hide what fits already.
    fields.retain(|name, value| {
        kind.field(name).is_some_and(|field| {
            let single = [(name.clone(), value.clone())].into_iter().collect();
            let title = crate::record::validate::validate(kind, {
                let mut draft: Fields = single;
                draft.entry("title").or_insert_with(|| Value::from("–"));
                draft
            });
            title.is_ok() || field.name == "title"
        })
    });
    if !fields.contains_key("title") {
        let text = fields.values().find_map(Value::as_str).unwrap_or_default();
        let title: String = text.chars().take(60).collect();
        fields.insert("title".into(), Value::from(title));
    }
    let own = kind.name.to_string();
    let wanted = form.recommend.iter().chain(std::iter::once(&own));
    let mut groups = Vec::new();
    for (at, to) in wanted.enumerate() {
        let Some(found_kind) = visitor.catalog.kind(to) else { continue };
        let request = MatchRequest {
            subject: Subject::Draft { kind: own.clone(), fields: fields.clone() },
            to: to.clone(),
            limit: if at == 0 { FIRST } else { OTHERS },
            diverse: true,
        };
        let found = match app.matches.matches(&request, Visibility::Public, app.clock.today()) {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, to, "nothing is recommended");
                continue;
            }
        };
        let matches: Vec<Match> = found.items.iter().map(|item| shown(item, visitor)).collect();
        if matches.is_empty() && at > 0 {
            continue;
        }
        groups.push(Group {
            heading: match *to == own {
                true => t.similar_posted.to_owned(),
                false => (t.matches_of)(visitor.lang.pick(&found_kind.label)),
            },
            matches,
        });
    }
    groups
}

fn shown(item: &MatchItem, visitor: &Visitor) -> Match {
    let title = item.record.get("title").and_then(|json| serde_json::from_str(json.get()).ok());
    let reasons =
        item.reasons.iter().filter(|reason| !reason.evidence.to.is_empty() && reason.value > 0.0);
    let reasons = reasons.filter(|reason| reason.quantities.is_empty());
    Match {
        href: visitor.link(&record_path(&item.kind, &item.id)),
        title: title.unwrap_or_else(|| item.id.to_string()),
        reasons: reasons
            .take(REASONS)
            .map(|reason| (reason.label.clone(), reason.evidence.to.clone()))
            .collect(),
        proofs: proofs::of(&item.reasons, visitor),
    }
}
