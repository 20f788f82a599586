//! Everything in a record that says whom it applies to, what it gives and when.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::condition::{MAX_NODES, Node};
use super::dictionary::Dictionary;
use super::expression::Expression;
use super::lint;
use super::reader::{GROUP_KEYS, Reader};
use crate::record::kind::RuleFields;
use crate::record::validate::Violation;
use crate::record::value::days;
use crate::record::{Fields, RecordKind};

/// The value of the `fidelity` field that claims that everything is modelled.
pub const FULL: &str = "full";
/// Tiers of one amount.
const MAX_TIERS: usize = 32;

/// The rules of one record. Days count from 1970-01-01.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    pub conditions: Vec<Condition>,
    pub judgements: Vec<Judgement>,
    pub offer: Arc<Offer>,
    /// Places in the vocabulary of the region attribute.
    pub regions: Vec<u32>,
    pub audience: Vec<String>,
    /// Places in the vocabulary of the industry attribute.
    pub industries: Vec<u32>,
    pub fidelity: Option<String>,
    pub checked_on: Option<i32>,
    pub begins: Option<i32>,
    pub ends: Option<i32>,
    pub standing: Standing,
    pub relations: Vec<Relation>,
}

/// What a record gives, when, and together with which others: all that choosing among many records looks at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offer {
    pub title: String,
    pub amounts: Vec<Amount>,
    /// The most that one applicant gets at once, in yuan.
    pub max_amount: Option<i64>,
    pub stacking: Vec<Stacking>,
    pub windows: Vec<Window>,
}

/// What a record says of its own validity, as of when it was last edited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Holds,
    Ended,
    Pending,
}

/// When an entry of the rules holds; both ends inclusive, absent ones open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    pub from: Option<i32>,
    pub to: Option<i32>,
}

impl Validity {
    pub fn covers(self, day: i32) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    /// The days from which it holds, and from which it holds no more.
    pub fn turning_days(self) -> impl Iterator<Item = i32> {
        self.from.into_iter().chain(self.to.map(|to| to.saturating_add(1)))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub id: String,
    pub text: String,
    pub clause: String,
    pub validity: Validity,
    /// `None`: only said in words, or no longer readable under the present attributes. Its verdict is unknown.
    pub tree: Option<Node>,
}

/// A condition that people judge: always shown, never counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub id: String,
    pub text: String,
    pub clause: String,
    pub who: Option<String>,
    pub validity: Validity,
}

/// One of the sums that a record gives. Money is in yuan.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    pub id: String,
    pub clause: String,
    pub label: Option<String>,
    pub form: AmountForm,
    pub when: Option<Node>,
    pub floor: Option<f64>,
    pub cap: Option<f64>,
    pub combine: Combine,
    /// Chosen among applicants within a budget: not certain.
    pub budget_limited: bool,
    pub validity: Validity,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AmountForm {
    Fixed(f64),
    /// A share of `base`; without one only the cap is known.
    Rate {
        rate: f64,
        base: Option<Expression>,
    },
    /// By the size of `base`: the first tier that it does not exceed, or with `progressive` each slice by its tier.
    Tiers {
        base: Option<Expression>,
        tiers: Vec<Tier>,
        progressive: bool,
    },
    /// So much for each of `count`; without one only the cap is known.
    PerUnit {
        value: f64,
        per: Option<String>,
        count: Option<Expression>,
        cap_each: Option<f64>,
    },
    /// Not money.
    InKind,
    /// Decided case by case between floor and cap.
    Discretionary,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tier {
    /// Inclusive, in yuan; infinite in the last tier.
    pub up_to: f64,
    pub give: TierGive,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TierGive {
    Value(f64),
    Rate(f64),
}

/// How the sums of one record make one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Combine {
    /// The first whose `when` holds.
    First,
    /// The greatest.
    #[default]
    Max,
    /// All together.
    Sum,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Stacking {
    pub rule: StackingRule,
    pub group: Option<String>,
    /// Ids of other records of the kind.
    pub with: Vec<String>,
    pub scope: Option<String>,
    pub choose: Option<String>,
    /// In yuan, of `group_cap`.
    pub cap: Option<f64>,
    /// A cap that follows from the profile.
    pub cap_base: Option<Expression>,
    /// Of `share_of`: the share of the other's sum; without one the difference to it is made up.
    pub share: Option<f64>,
    pub clause: String,
    pub text: Option<String>,
    pub validity: Validity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackingRule {
    /// One of the group alone.
    Exclusive,
    /// Not together with those named.
    NotWith,
    /// Only together with those named.
    Requires,
    /// Measured by the sum of another.
    ShareOf,
    /// The group together up to a cap.
    GroupCap,
}

impl StackingRule {
    pub const NAMES: [(&'static str, Self); 5] = [
        ("exclusive", Self::Exclusive),
        ("not_with", Self::NotWith),
        ("requires", Self::Requires),
        ("share_of", Self::ShareOf),
        ("group_cap", Self::GroupCap),
    ];

    pub fn name(self) -> &'static str {
        let (name, _) = Self::NAMES[self as usize];
        name
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// `batch`, `rolling` or `once`.
    pub kind: Option<String>,
    pub opens: Option<i32>,
    pub closes: Option<i32>,
    pub rules_as_of: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    pub relation: String,
    pub id: String,
    pub effect: Effect,
}

/// What a relation does to the record it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Ends,
    Amends,
    Nothing,
}

/// What stacking rules may be about, and who decides between several.
const SCOPES: [&str; 4] = ["same_item", "same_spend", "same_year", "any"];
const CHOICES: [&str; 3] = ["highest", "first", "applicant"];

impl Rules {
    /// Reads the rules of a record, with everything that is wrong with them.
    ///
    /// `None` for a kind without rules. What is wrong is left out of the rules: a condition without its tree, other
    /// entries whole.
    pub fn read(
        kind: &RecordKind,
        fields: &Fields,
        dictionary: &Dictionary,
    ) -> Option<(Self, Vec<Violation>)> {
        let named = kind.applicability.as_ref()?;
        let mut reader = Reader::new(dictionary);
        let (mut rules, mut offer) = (Self::default(), Offer::default());
        let entries = |name: Option<&str>| name.and_then(|name| fields.get(name)?.as_array());
        let conditions = entries(Some(&named.conditions));
        each(&mut reader, &named.conditions, conditions, |reader, entry| {
            rules.conditions.push(reader.condition(entry));
        });
        if reader.nodes > MAX_NODES {
            reader.inside(&named.conditions, |reader| {
                let found = reader.nodes.to_string();
                reader.refuse::<()>(format!("at most {MAX_NODES} checks and groups"), found)
            });
            // Whatever is asked of what was refused ends after so many steps.
            rules.conditions.iter_mut().for_each(|condition| condition.tree = None);
        }
        let name = named.judgements.as_deref();
        each(&mut reader, name.unwrap_or(""), entries(name), |reader, entry| {
            rules.judgements.push(reader.judgement(entry));
        });
        let name = named.amounts.as_deref();
        each(&mut reader, name.unwrap_or(""), entries(name), |reader, entry| {
            offer.amounts.extend(reader.amount(entry));
        });
        let name = named.stacking.as_deref();
        each(&mut reader, name.unwrap_or(""), entries(name), |reader, entry| {
            offer.stacking.extend(reader.stacking(entry));
        });
        let name = named.windows.as_deref();
        each(&mut reader, name.unwrap_or(""), entries(name), |reader, entry| {
            offer.windows.push(reader.window(entry));
        });
        let title = fields.get("title").and_then(Value::as_str);
        offer.title = title.unwrap_or_default().to_owned();
        let most = named.max_amount.as_ref().and_then(|name| fields.get(name)?.as_i64());
        offer.max_amount = most.filter(|most| *most >= 0);
        rules.offer = Arc::new(offer);
        rules.plain(named, fields, dictionary);
        lint::check(&rules, named, &mut reader);
        Some((rules, reader.violations))
    }

    /// Reads the fields that the kind's own validation has checked already.
    fn plain(&mut self, named: &RuleFields, fields: &Fields, dictionary: &Dictionary) {
        let text =
            |name: &Option<String>| name.as_ref().and_then(|name| fields.get(name)?.as_str());
        let texts = |name: &Option<String>| {
            let values = name.as_ref().and_then(|name| fields.get(name)?.as_array());
            values.into_iter().flatten().filter_map(Value::as_str)
        };
        let attributes = dictionary.attributes();
        let places = |name: &Option<String>, attribute: Option<usize>| -> Vec<u32> {
            let vocabulary = attribute.and_then(|at| attributes.list[at].vocabulary.as_ref());
            let index = |code: &str| vocabulary.and_then(|vocabulary| vocabulary.index(code));
            texts(name).filter_map(index).map(|at| at as u32).collect()
        };
        self.regions = places(&named.regions, attributes.region);
        self.industries = places(&named.industries, attributes.industry);
        self.audience = texts(&named.audience).map(str::to_owned).collect();
        self.fidelity = text(&named.fidelity).map(str::to_owned);
        self.checked_on = text(&named.checked_on).and_then(days);
        self.begins =
            named.begins.iter().find_map(|name| fields.get(name)?.as_str().and_then(days));
        self.ends = text(&named.ends).and_then(days);
        let validity = text(&named.validity).unwrap_or_default();
        let says = |values: &[String]| values.iter().any(|value| value == validity);
        self.standing = if says(&named.ended) {
            Standing::Ended
        } else if says(&named.pending) {
            Standing::Pending
        } else {
            Standing::Holds
        };
        let relations = named.relations.as_ref().and_then(|name| fields.get(name)?.as_array());
        for relation in relations.into_iter().flatten() {
            let member = |key: &str| relation.get(key).and_then(Value::as_str);
            let (Some(of), Some(id)) = (member("type"), member("id")) else { continue };
            let effect = if named.ending.iter().any(|ending| ending == of) {
                Effect::Ends
            } else if named.amending.iter().any(|amending| amending == of) {
                Effect::Amends
            } else {
                Effect::Nothing
            };
            self.relations.push(Relation { relation: of.to_owned(), id: id.to_owned(), effect });
        }
    }
}

/// Reads every object of an array.
fn each(
    reader: &mut Reader<'_>,
    name: &str,
    entries: Option<&Vec<Value>>,
    mut read: impl FnMut(&mut Reader<'_>, &Map<String, Value>),
) {
    for (at, entry) in entries.into_iter().flatten().enumerate() {
        let Value::Object(entry) = entry else { continue };
        reader.inside(name, |reader| reader.inside(&at.to_string(), |reader| read(reader, entry)));
    }
}

impl Reader<'_> {
    fn validity(&mut self, entry: &Map<String, Value>) -> Validity {
        let validity =
            Validity { from: self.date(entry, "valid_from"), to: self.date(entry, "valid_to") };
        if let (Some(from), Some(to)) = (validity.from, validity.to)
            && from > to
        {
            self.inside("valid_to", |reader| {
                reader.refuse_value::<()>("a day not before valid_from", &entry["valid_to"])
            });
        }
        validity
    }

    fn condition(&mut self, entry: &Map<String, Value>) -> Condition {
        let clause = entry.get("clause").and_then(Value::as_str);
        self.entry("bad_condition", clause, |reader| {
            let keys = GROUP_KEYS.into_iter().filter(|key| entry.contains_key(*key));
            let keys: Vec<&str> = keys.collect();
            reader.allow(
                entry,
                &[
                    "id",
                    "text",
                    "clause",
                    "all",
                    "any",
                    "none",
                    "at_least",
                    "of",
                    "valid_from",
                    "valid_to",
                    "note",
                ],
            );
            let tree = match keys[..] {
                [key] => {
                    reader.nodes += 1;
                    reader.group(entry, key)
                }
                [] => reader.refuse(
                    "one of all, any, none, at_least; what no machine can check is a judgement",
                    "none of them",
                ),
                _ => reader.refuse("one of all, any, none, at_least", keys.join(", ")),
            };
            Condition {
                id: reader.need_text(entry, "id", "an id within the record, such as c1"),
                text: reader.need_text(entry, "text", "the condition in the words of the document"),
                clause: reader.need_text(entry, "clause", "the clause that says it"),
                validity: reader.validity(entry),
                tree,
            }
        })
    }

    fn judgement(&mut self, entry: &Map<String, Value>) -> Judgement {
        let clause = entry.get("clause").and_then(Value::as_str);
        self.entry("bad_judgement", clause, |reader| {
            reader.allow(entry, &["id", "text", "clause", "who", "valid_from", "valid_to", "note"]);
            Judgement {
                id: reader.need_text(entry, "id", "an id within the record, such as j1"),
                text: reader.need_text(entry, "text", "the condition in the words of the document"),
                clause: reader.need_text(entry, "clause", "the clause that says it"),
                who: reader.text(entry, "who"),
                validity: reader.validity(entry),
            }
        })
    }

    fn amount(&mut self, entry: &Map<String, Value>) -> Option<Amount> {
        let clause = entry.get("clause").and_then(Value::as_str);
        self.entry("bad_amount", clause, |reader| {
            let before = reader.violations.len();
            reader.allow(
                entry,
                &[
                    "id",
                    "kind",
                    "clause",
                    "label",
                    "when",
                    "base",
                    "base_text",
                    "rate",
                    "value",
                    "per",
                    "count",
                    "cap_each",
                    "tiers",
                    "progressive",
                    "floor",
                    "cap",
                    "cap_m2",
                    "unit",
                    "combine",
                    "budget_limited",
                    "valid_from",
                    "valid_to",
                    "note",
                ],
            );
            let yuan = reader.money_unit(entry);
            let kind = entry.get("kind").and_then(Value::as_str).unwrap_or("");
            let form = reader.amount_form(entry, kind, yuan);
            let floor = reader.not_negative(entry, "floor").map(|floor| floor * yuan);
            let cap = reader.not_negative(entry, "cap").map(|cap| cap * yuan);
            if let (Some(floor), Some(cap)) = (floor, cap)
                && floor > cap
            {
                reader.inside("floor", |reader| {
                    reader.refuse::<()>("at most the cap", floor.to_string())
                });
            }
            let combine = match entry.get("combine").and_then(Value::as_str) {
                None if entry.get("combine").is_none_or(Value::is_null) => Combine::default(),
                Some("first") => Combine::First,
                Some("max") => Combine::Max,
                Some("sum") => Combine::Sum,
                _ => {
                    let found = &entry["combine"];
                    reader.inside("combine", |reader| {
                        reader.refuse_value::<()>("first, max or sum", found)
                    });
                    Combine::default()
                }
            };
            let amount = Amount {
                id: reader.need_text(entry, "id", "an id within the record, such as a1"),
                clause: reader.need_text(entry, "clause", "the clause that says it"),
                label: reader.text(entry, "label"),
                form: form?,
                when: match entry.get("when") {
                    None | Some(Value::Null) => None,
                    Some(when) => reader.inside("when", |reader| reader.tree(when)),
                },
                floor,
                cap,
                combine,
                budget_limited: entry.get("budget_limited") == Some(&Value::Bool(true)),
                validity: reader.validity(entry),
            };
            (reader.violations.len() == before).then_some(amount)
        })
    }

    fn not_negative(&mut self, entry: &Map<String, Value>, key: &str) -> Option<f64> {
        let value = self.number(entry, key)?;
        match value >= 0.0 {
            true => Some(value),
            false => self.inside(key, |reader| reader.refuse("0 or more", value.to_string())),
        }
    }

    fn need_number(&mut self, entry: &Map<String, Value>, key: &str, what: &str) -> Option<f64> {
        if entry.get(key).is_none_or(Value::is_null) {
            return self.inside(key, |reader| reader.refuse(what, "nothing"));
        }
        self.not_negative(entry, key)
    }

    fn expression(&mut self, entry: &Map<String, Value>, key: &str) -> Option<Expression> {
        let text = self.text(entry, key)?;
        match Expression::parse(&text, self.dictionary) {
            Ok((expression, _)) => Some(expression),
            Err(bad) => self.inside(key, |reader| reader.refuse_expression(bad)),
        }
    }

    fn amount_form(
        &mut self,
        entry: &Map<String, Value>,
        kind: &str,
        yuan: f64,
    ) -> Option<AmountForm> {
        Some(match kind {
            "fixed" => {
                AmountForm::Fixed(self.need_number(entry, "value", "the sum, a number")? * yuan)
            }
            "rate" => {
                let what = "a share as a fraction: 0.1 for 10 %";
                let rate = self.need_number(entry, "rate", what)?;
                if rate > 10.0 {
                    return self.inside("rate", |reader| reader.refuse(what, rate.to_string()));
                }
                AmountForm::Rate { rate, base: self.expression(entry, "base") }
            }
            "tiers" => AmountForm::Tiers {
                base: self.expression(entry, "base"),
                tiers: self.tiers(entry, yuan)?,
                progressive: entry.get("progressive") == Some(&Value::Bool(true)),
            },
            "per_unit" => AmountForm::PerUnit {
                value: self.need_number(entry, "value", "the sum for each, a number")? * yuan,
                per: self.text(entry, "per"),
                count: self.expression(entry, "count"),
                cap_each: self.not_negative(entry, "cap_each").map(|cap| cap * yuan),
            },
            "in_kind" => AmountForm::InKind,
            "discretionary" => AmountForm::Discretionary,
            _ => {
                let found = entry.get("kind").unwrap_or(&Value::Null).clone();
                let expected = "fixed, rate, tiers, per_unit, in_kind or discretionary";
                return self.inside("kind", |reader| reader.refuse_value(expected, &found));
            }
        })
    }

    /// Reads tiers in rising order.
    fn tiers(&mut self, entry: &Map<String, Value>, yuan: f64) -> Option<Vec<Tier>> {
        let expected = "an array of tiers {up_to, value or rate}, in rising order";
        let items = match entry.get("tiers") {
            Some(Value::Array(items)) if (1..=MAX_TIERS).contains(&items.len()) => items,
            other => {
                let found = other.unwrap_or(&Value::Null).clone();
                return self.inside("tiers", |reader| reader.refuse_value(expected, &found));
            }
        };
        let mut tiers: Vec<Tier> = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let tier = self.inside("tiers", |reader| {
                reader.inside(&at.to_string(), |reader| {
                    reader.tier(item, yuan, tiers.last(), at + 1 == items.len())
                })
            });
            tiers.push(tier?);
        }
        Some(tiers)
    }

    fn tier(
        &mut self,
        item: &Value,
        yuan: f64,
        before: Option<&Tier>,
        is_last: bool,
    ) -> Option<Tier> {
        let Value::Object(item) = item else {
            return self.refuse_value("a tier {up_to, value or rate}", item);
        };
        self.allow(item, &["up_to", "value", "rate", "note"]);
        let up_to = match self.number(item, "up_to") {
            Some(up_to) => up_to * yuan,
            None if is_last => f64::INFINITY,
            None => return self.refuse("up_to, absent in the last tier alone", "nothing"),
        };
        let value = self.not_negative(item, "value").map(|value| value * yuan);
        let rate = self.not_negative(item, "rate");
        let give = match (value, rate) {
            (Some(value), None) => TierGive::Value(value),
            (None, Some(rate)) => TierGive::Rate(rate),
            _ => return self.refuse("value or rate, one of them", "none or both"),
        };
        if before.is_some_and(|before| before.up_to >= up_to) {
            return self.refuse("up_to above that of the tier before", up_to.to_string());
        }
        Some(Tier { up_to, give })
    }

    fn stacking(&mut self, entry: &Map<String, Value>) -> Option<Stacking> {
        let clause = entry.get("clause").and_then(Value::as_str);
        self.entry("bad_stacking", clause, |reader| {
            let before = reader.violations.len();
            reader.allow(
                entry,
                &[
                    "rule",
                    "group",
                    "with",
                    "scope",
                    "choose",
                    "cap",
                    "cap_text",
                    "cap_expr",
                    "share",
                    "unit",
                    "clause",
                    "text",
                    "valid_from",
                    "valid_to",
                    "note",
                    "id",
                ],
            );
            let found = entry.get("rule").and_then(Value::as_str).unwrap_or("");
            let rule = StackingRule::NAMES.iter().find(|(name, _)| *name == found);
            let Some(&(_, rule)) = rule else {
                let names: Vec<&str> = StackingRule::NAMES.iter().map(|(name, _)| *name).collect();
                let found = entry.get("rule").unwrap_or(&Value::Null).clone();
                return reader.inside("rule", |reader| {
                    reader.refuse_value(format!("one of {}", names.join(", ")), &found)
                });
            };
            for (key, allowed) in [("scope", &SCOPES[..]), ("choose", &CHOICES[..])] {
                if let Some(found) = reader.text(entry, key)
                    && !allowed.contains(&&*found)
                {
                    reader.inside(key, |reader| {
                        reader.refuse::<()>(format!("one of {}", allowed.join(", ")), found)
                    });
                }
            }
            let with = match entry.get("with") {
                None | Some(Value::Null) => Vec::new(),
                Some(Value::Array(ids)) if ids.iter().all(Value::is_string) => {
                    ids.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                }
                Some(other) => {
                    reader.inside("with", |reader| {
                        reader.refuse_value::<()>("an array of ids of records", other)
                    });
                    Vec::new()
                }
            };
            let group = reader.text(entry, "group");
            let (needs_group, needs_with) = match rule {
                StackingRule::Exclusive | StackingRule::GroupCap => (true, false),
                StackingRule::NotWith | StackingRule::Requires => (false, true),
                StackingRule::ShareOf => (with.is_empty(), false),
            };
            if needs_group && group.is_none() {
                let expected = format!("the name of the group of \"{}\"", rule.name());
                reader.inside("group", |reader| reader.refuse::<()>(expected, "nothing"));
            }
            if needs_with && with.is_empty() {
                let expected = format!("the ids that \"{}\" is about", rule.name());
                reader.inside("with", |reader| reader.refuse::<()>(expected, "nothing"));
            }
            let yuan = reader.money_unit(entry);
            let share = reader.not_negative(entry, "share");
            if let Some(share) = share.filter(|share| *share > 10.0) {
                let expected = "a share as a fraction: 0.5 for 50 %";
                reader.inside("share", |reader| reader.refuse::<()>(expected, share.to_string()));
            }
            let stacking = Stacking {
                rule,
                group,
                with,
                scope: reader.text(entry, "scope"),
                choose: reader.text(entry, "choose"),
                cap: reader.not_negative(entry, "cap").map(|cap| cap * yuan),
                cap_base: reader.expression(entry, "cap_expr"),
                share,
                clause: reader.need_text(entry, "clause", "the clause that says it"),
                text: reader.text(entry, "text"),
                validity: reader.validity(entry),
            };
            let states_cap = stacking.cap.is_some()
                || stacking.cap_base.is_some()
                || entry.get("cap_text").is_some_and(Value::is_string);
            if rule == StackingRule::GroupCap && !states_cap {
                reader.inside("cap", |reader| {
                    reader.refuse::<()>("a cap, a cap_expr or a cap_text", "none")
                });
            }
            (reader.violations.len() == before).then_some(stacking)
        })
    }

    fn window(&mut self, entry: &Map<String, Value>) -> Window {
        self.entry("bad_window", None, |reader| {
            let date = |key: &str| entry.get(key).and_then(Value::as_str).and_then(days);
            let window = Window {
                kind: entry.get("kind").and_then(Value::as_str).map(str::to_owned),
                opens: date("opens"),
                closes: date("closes"),
                rules_as_of: date("rules_as_of"),
            };
            if let (Some(opens), Some(closes)) = (window.opens, window.closes)
                && closes < opens
            {
                reader.inside("closes", |reader| {
                    reader.refuse_value::<()>("a day not before it opens", &entry["closes"])
                });
            }
            window
        })
    }
}
