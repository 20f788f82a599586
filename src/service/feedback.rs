//! What people made of the records that they were shown. It is kept and can be evaluated; it changes no ranking.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::indexing;
use crate::record::validate::Violation;
use crate::record::{RecordId, State};
use crate::store::{Expected, Store, StoreError, Write};

/// Kind of the records that hold feedback.
const KIND: &str = "_feedback";
/// Longest name of a list, in characters.
const MAX_LIST: usize = 64;
/// Records that are read together.
const PAGE: usize = 500;

/// What somebody did with a record that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Click,
    Accept,
    Contact,
    Deal,
    Decline,
}

/// Why a record was declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// 不是我要的技术.
    NotWanted,
    /// 已解决.
    Solved,
    /// 成熟度不够.
    Immature,
    /// 价格.
    Price,
    /// 地域.
    Region,
    /// 对方无回应.
    NoResponse,
    /// 已失效.
    Expired,
    /// 其他.
    Other,
}

/// A record, by kind and id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub kind: String,
    pub id: String,
}

/// What somebody says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// The record that the list was made for.
    pub from: Named,
    /// The record of the list.
    pub item: Named,
    pub action: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Which list it was: the fingerprint of the rules that made it, or a name that the caller gave it.
    pub list: String,
    /// Place in the list, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
}

/// What was said, by whom and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    #[serde(flatten)]
    pub feedback: Feedback,
    pub owner: String,
    /// RFC 3339.
    pub at: String,
}

impl Feedback {
    /// What it says of how well the two fit: 3 exactly to 0 not at all; `None` when it says nothing of that.
    ///
    /// A click may be an accident; and that something is solved, unanswered or expired concerns other things than the
    /// fit.
    pub fn grade(&self) -> Option<u8> {
        match (self.action, self.reason) {
            (Action::Deal | Action::Accept, _) => Some(3),
            (Action::Contact, _) => Some(2),
            (Action::Decline, Some(Reason::Immature | Reason::Price | Reason::Region)) => Some(1),
            (Action::Decline, Some(Reason::NotWanted)) => Some(0),
            (Action::Click | Action::Decline, _) => None,
        }
    }
}

/// Keeps feedback.
pub struct FeedbackService {
    pub store: Arc<dyn Store>,
}

impl FeedbackService {
    /// Keeps what `owner` says, in place of what `owner` said before about the same pair: nobody votes twice. A click
    /// replaces only a click.
    pub fn put(
        &self,
        feedback: Feedback,
        owner: &str,
        now: &str,
    ) -> Result<Result<Kept, Vec<Violation>>, StoreError> {
        let mut violations = Vec::new();
        let mut wrong = |pointer: &str, code: &'static str, expected: &str, found: &str| {
            violations.push(Violation {
                pointer: pointer.into(),
                code,
                expected: expected.into(),
                found: found.chars().take(80).collect(),
            });
        };
        for (pointer, named) in [("/from", &feedback.from), ("/item", &feedback.item)] {
            if !self.is_there(named)? {
                let found = format!("{}/{}", named.kind, named.id);
                wrong(pointer, "not_found", "a published record", &found);
            }
        }
        match (feedback.action, feedback.reason) {
            (Action::Decline, None) => {
                wrong("/reason", "required", "why it is declined", "nothing")
            }
            (Action::Decline, Some(_)) | (_, None) => {}
            (_, Some(_)) => {
                wrong("/reason", "unknown_field", "a reason for `decline` alone", "one")
            }
        }
        let is_name = |text: &str| {
            (1..=MAX_LIST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !is_name(&feedback.list) {
            wrong("/list", "bad_text", "1 to 64 visible ASCII characters", &feedback.list);
        }
        if feedback.rank.is_some_and(|rank| rank == 0 || rank > 1_000) {
            wrong("/rank", "out_of_range", "1 to 1000", "another number");
        }
        if !violations.is_empty() {
            return Ok(Err(violations));
        }
        let kept = Kept { feedback, owner: owner.to_owned(), at: now.to_owned() };
        let body = serde_json::to_vec(&kept).expect("only string keys are kept");
        let write = Write { id: id_of(&kept), expected: Expected::Any, body: Some(body) };
        // Nothing is expected of what is there, so nothing conflicts.
        self.store.append(vec![vec![write]])?;
        Ok(Ok(kept))
    }

    fn is_there(&self, named: &Named) -> Result<bool, StoreError> {
        let id = RecordId::new(&*named.kind, &*named.id);
        if id.is_internal() {
            return Ok(false);
        }
        let record = self.store.get(&id)?.as_ref().and_then(indexing::read);
        Ok(record.is_some_and(|record| record.state == State::Published))
    }

    /// Hands on everything that was said.
    pub fn each(&self, mut take: impl FnMut(Kept)) -> Result<(), StoreError> {
        let mut after: Option<Arc<str>> = None;
        loop {
            let page = self.store.scan(KIND, after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id.id.clone());
            for stored in &page {
                match serde_json::from_slice(&stored.json) {
                    Ok(kept) => take(kept),
                    Err(error) => {
                        tracing::error!(id = %stored.id, %error, "feedback cannot be read")
                    }
                }
            }
        }
    }

    /// Judgements of pairs of two kinds, as `evaluate --task match --judgements` reads them: id, id and grade,
    /// separated by tabs, a line each. Of several opinions the best counts.
    pub fn judgements(&self, from: &str, to: &str) -> Result<String, StoreError> {
        let mut grades: BTreeMap<(String, String), u8> = BTreeMap::new();
        self.each(|kept| {
            let feedback = kept.feedback;
            let is_asked = feedback.from.kind == from && feedback.item.kind == to;
            if let Some(grade) = feedback.grade().filter(|_| is_asked) {
                let known = grades.entry((feedback.from.id, feedback.item.id)).or_insert(grade);
                *known = (*known).max(grade);
            }
        })?;
        let lines = grades.iter().map(|((from, item), grade)| format!("{from}\t{item}\t{grade}\n"));
        Ok(lines.collect())
    }
}

/// One place for the opinion of one owner about one pair, and one for the click.
fn id_of(kept: &Kept) -> RecordId {
    let Feedback { from, item, action, .. } = &kept.feedback;
    let class = if *action == Action::Click { "click" } else { "opinion" };
    let mut hasher = Sha256::new();
    for part in [class, &kept.owner, &from.kind, &from.id, &item.kind, &item.id] {
        hasher.update(part);
        hasher.update([0]);
    }
    let id: String = hasher.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    RecordId::new(KIND, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(action: Action, reason: Option<Reason>) -> Feedback {
        let named = |id: &str| Named { kind: "thing".into(), id: id.into() };
        Feedback {
            from: named("a"),
            item: named("b"),
            action,
            reason,
            list: "l".into(),
            rank: None,
        }
    }

    #[test]
    fn only_opinions_on_the_fit_are_grades() {
        let check = |action, reason, expected| assert_eq!(said(action, reason).grade(), expected);
        check(Action::Deal, None, Some(3));
        check(Action::Contact, None, Some(2));
        check(Action::Decline, Some(Reason::Price), Some(1));
        check(Action::Decline, Some(Reason::NotWanted), Some(0));
        check(Action::Decline, Some(Reason::NoResponse), None);
        check(Action::Click, None, None);
    }

    #[test]
    fn an_opinion_replaces_an_opinion_and_a_click_a_click() {
        let kept = |action, owner: &str| Kept {
            feedback: said(action, None),
            owner: owner.into(),
            at: String::new(),
        };
        assert_eq!(id_of(&kept(Action::Accept, "x")), id_of(&kept(Action::Deal, "x")));
        assert_ne!(id_of(&kept(Action::Accept, "x")), id_of(&kept(Action::Click, "x")));
        assert_ne!(id_of(&kept(Action::Accept, "x")), id_of(&kept(Action::Accept, "y")));
    }
}
