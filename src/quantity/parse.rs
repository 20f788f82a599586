//! Finds the quantities of a text.
//!
//! A number is a quantity when a unit stands behind it, or when words or signs bound it (`≥ 95`, `3 以上`). Dates,
//! ordinals and the numbers of models and norms are none. The unit may also stand in brackets behind the name, as
//! tables have it: `拉伸强度（MPa）≥ 50`.

use std::ops::Range;

use serde_json::Value;

use super::words::{
    BEFORE, BEHIND, DIFFERENCES, FILLERS, JOINERS, LEADS, MEASURES, MULTIPLIERS, Relation, SIGNS,
    STOPS,
};
use super::{Bound, Dimension, Quantity, Said, Unit, Units};
use Relation::{About, AtLeast, AtMost, LessThan, MoreThan};

/// Characters of a name.
const MAX_NAME: usize = 16;
/// Digits of a number; longer ones are codes.
const MAX_DIGITS: usize = 12;

/// Makes look-alikes one: full width, dashes, waves, spaces. One character becomes one.
pub(super) fn plain(ch: char) -> char {
    match ch {
        '\u{ff01}'..='\u{ff5e}' if !"，；！？".contains(ch) => {
            char::from_u32(ch as u32 - 0xfee0).unwrap_or(ch)
        }
        '\u{3000}' | '\u{a0}' | '\t' => ' ',
        '〜' | '∼' | '˜' | '～' => '~',
        '−' | '‐' | '‑' | '－' | '﹣' => '-',
        '―' | '─' | '━' => '—',
        '﹤' | '〈' => '<',
        '﹥' | '〉' => '>',
        '∶' | '︰' => ':',
        '﹪' | '％' => '%',
        '∕' | '⁄' => '/',
        '＋' => '+',
        '\u{2126}' => 'Ω',
        '\u{b5}' => 'μ',
        ch => ch,
    }
}

/// A number as it stands in the text.
#[derive(Clone, Copy)]
struct Number {
    value: f64,
    end: usize,
    /// Whole, and without a multiplier: may be a year.
    bare: bool,
}

/// What stands right before a number.
#[derive(Clone, Copy, PartialEq)]
enum Sign {
    None,
    Minus,
    PlusMinus,
}

/// A value or two, in their unit.
struct Values {
    low: f64,
    high: f64,
    said: Said,
    unit: Option<Unit>,
    end: usize,
    /// Two ends with a dash between.
    is_dashed: bool,
}

/// A number that belongs to the one before it.
struct Beside {
    number: Number,
    /// With where it ends.
    unit: Option<(Unit, usize)>,
    end: usize,
    is_dashed: bool,
}

struct Reader<'a> {
    units: &'a Units,
    /// Dimensions that are looked for; all without it.
    wanted: Option<&'a [Dimension]>,
    text: Vec<char>,
}

impl Units {
    /// Finds the quantities of a text, in order; none overlap.
    pub fn find(&self, text: &str) -> Vec<Quantity> {
        self.find_of(text, None)
    }

    /// As [`find`](Self::find), with those of `wanted` dimensions alone: most numbers cost little then.
    pub fn find_of(&self, text: &str, wanted: Option<&[Dimension]>) -> Vec<Quantity> {
        if !text.bytes().any(|byte| byte.is_ascii_digit()) && !text.contains(is_wide_digit) {
            return Vec::new();
        }
        let places: Vec<usize> =
            text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let reader = Reader { units: self, wanted, text: text.chars().map(plain).collect() };
        let mut found = Vec::new();
        let (mut at, mut from) = (0, 0);
        while at < reader.text.len() {
            if !reader.begins_number(at) {
                at += 1;
                continue;
            }
            match reader.quantity(at, from) {
                Some((mut quantity, chars)) => {
                    quantity.place = places[chars.start]..places[chars.end];
                    let span = text[quantity.place.clone()].trim();
                    quantity.span = span.trim_start_matches([')', '）', '、', ' ']).to_owned();
                    at = chars.end;
                    from = at;
                    found.push(quantity);
                }
                None => at = reader.skip_number(at),
            }
        }
        found
    }

    /// Reads a declared quantity, `{name, operator, value, value_to, unit}`. `None` when its unit is not known.
    pub fn declared(&self, value: &Value) -> Option<Quantity> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let number = |key: &str| value.get(key).and_then(Value::as_f64);
        let (unit_text, operator) = (text("unit"), text("operator"));
        let unit = self.parse(unit_text)?;
        let first = number("value")?;
        let low = unit.to_base(first);
        let (sign, low, high, said) = match operator {
            "ge" => ("≥", Bound::At(low), Bound::Open, Said::Bounded),
            "gt" => (">", Bound::Beyond(low), Bound::Open, Said::Bounded),
            "le" => ("≤", Bound::Open, Bound::At(low), Said::Bounded),
            "lt" => ("<", Bound::Open, Bound::Beyond(low), Said::Bounded),
            "between" => {
                let high = unit.to_base(number("value_to")?);
                ("", Bound::At(low), Bound::At(high), Said::Bounded)
            }
            _ => {
                let sign = if operator == "approx" { "≈" } else { "=" };
                (sign, Bound::At(low), Bound::At(low), Said::Plain)
            }
        };
        let numbers = match number("value_to") {
            Some(to) => format!("{first}–{to}"),
            None => format!("{sign} {first}"),
        };
        let parts = [text("name"), &numbers, unit_text];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Some(Quantity {
            name: text("name").to_owned(),
            low,
            high,
            dimension: unit.dimension,
            said,
            place: 0..0,
            span: parts.join(" "),
        })
    }
}

fn is_wide_digit(ch: char) -> bool {
    ('０'..='９').contains(&ch)
}

impl Reader<'_> {
    fn starts_with(&self, at: usize, word: &str) -> bool {
        let mut chars = self.text[at..].iter();
        word.chars().all(|ch| chars.next() == Some(&ch))
    }

    fn ends_with(&self, end: usize, from: usize, word: &str) -> bool {
        let length = word.chars().count();
        end >= from + length && self.starts_with(end - length, word)
    }

    fn spaces(&self, mut at: usize) -> usize {
        while self.text.get(at) == Some(&' ') {
            at += 1;
        }
        at
    }

    fn begins_number(&self, at: usize) -> bool {
        if !self.text[at].is_ascii_digit() {
            return false;
        }
        let before = |back: usize| at.checked_sub(back).map(|at| self.text[at]);
        match before(1) {
            Some(ch) if ch.is_ascii_alphanumeric() || "._/#№".contains(ch) => false,
            // The number of a model or a norm: ABC-12.
            Some('-') => !before(2).is_some_and(|ch| ch.is_ascii_alphabetic()),
            Some('第' | '[' | '〔' | '【') => false,
            _ => true,
        }
    }

    fn skip_number(&self, mut at: usize) -> usize {
        while self.text.get(at).is_some_and(|ch| ch.is_ascii_digit() || *ch == '.') {
            at += 1;
        }
        at
    }

    /// Reads digits, groups of three, decimals, powers of ten and 万, 亿.
    fn number(&self, at: usize) -> Option<Number> {
        let mut digits = String::new();
        let mut end = at;
        let mut is_grouped = false;
        while let Some(&ch) = self.text.get(end) {
            let digit = |at: usize| self.text.get(at).is_some_and(char::is_ascii_digit);
            let point = ch == '.' && digit(end + 1) && !digits.contains('.');
            // 1,200 and 1 200.
            let group = matches!(ch, ',' | ' ')
                && (digits.len() <= 3 || is_grouped)
                && (1..=3).all(|more| digit(end + more))
                && !digit(end + 4);
            if ch.is_ascii_digit() || point {
                digits.push(ch);
            } else if !group || digits.contains('.') {
                break;
            }
            is_grouped |= group;
            end += 1;
        }
        if digits.len() > MAX_DIGITS
            || self.text.get(end) == Some(&'.')
                && self.text.get(end + 1).is_some_and(char::is_ascii_digit)
        {
            return None;
        }
        let mut value: f64 = digits.parse().ok()?;
        let mut bare = !digits.contains('.');
        if let Some((power, taken)) = self.power_of_ten(end) {
            value *= 10f64.powi(power);
            (end, bare) = (taken, false);
        }
        let at_multiplier = self.spaces(end);
        // 千瓦 begins like a multiplier and is a unit.
        if self.units.prefix(&self.text[at_multiplier..]).is_none()
            && let Some((word, factor)) =
                MULTIPLIERS.iter().find(|(word, _)| self.starts_with(at_multiplier, word))
        {
            value *= factor;
            (end, bare) = (at_multiplier + word.chars().count(), false);
        }
        Some(Number { value, end, bare })
    }

    /// `×10^-6`, `×10⁶`
    fn power_of_ten(&self, at: usize) -> Option<(i32, usize)> {
        let mut at = self.spaces(at);
        if !matches!(self.text.get(at), Some('×' | 'x' | 'X' | '*')) {
            return None;
        }
        at = self.spaces(at + 1);
        if !self.starts_with(at, "10") {
            return None;
        }
        at += 2;
        let raised = |ch: char| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|digit| digit == ch);
        let plain = self.text.get(at) == Some(&'^');
        at += usize::from(plain);
        let negative = matches!(self.text.get(at), Some('-' | '⁻'));
        at += usize::from(negative);
        let mut power = None;
        while let Some(&ch) = self.text.get(at) {
            let digit = match plain {
                true => ch.to_digit(10),
                false => raised(ch).map(|digit| digit as u32),
            };
            let Some(digit) = digit.filter(|_| power < Some(30)) else { break };
            power = Some(power.unwrap_or(0) * 10 + digit as i32);
            at += 1;
        }
        power.map(|power| (if negative { -power } else { power }, at))
    }

    /// Reads the unit at `at`, spaces before it.
    fn unit(&self, at: usize) -> Option<(Unit, usize)> {
        let start = self.spaces(at);
        let (unit, length) = self.units.prefix(&self.text[start..])?;
        Some((unit, start + length))
    }

    /// Reads what is said with the number that ends where `first` does: its unit, a deviation or another end.
    fn values(&self, first: Number, sign: Sign) -> Option<Values> {
        let unit = self.unit(first.end);
        let end = unit.as_ref().map_or(first.end, |(_, end)| *end);
        let value = if sign == Sign::Minus { -first.value } else { first.value };
        let plain =
            |unit, said| Values { low: value, high: value, said, unit, end, is_dashed: false };
        if let Some(other) = self.deviation(end) {
            let relative = match (&unit, &other.unit) {
                (Some((unit, _)), Some((share, _))) if unit.dimension != share.dimension => {
                    share.dimension.is_number().then_some(value.abs() * share.factor)
                }
                _ => Some(1.0),
            };
            let most = other.number.value * relative?;
            let unit = unit.or(other.unit).map(|(unit, _)| unit);
            let (low, high) = (value - most, value + most);
            let (said, is_dashed) = (Said::Bounded, false);
            let values = Values { low, high, said, unit, end: other.end, is_dashed };
            return (sign != Sign::PlusMinus).then_some(values);
        }
        let unit = unit.map(|(unit, _)| unit);
        if sign == Sign::PlusMinus {
            return Some(plain(unit, Said::Tolerance));
        }
        let Some(other) = self.other_end(end) else { return Some(plain(unit, Said::Plain)) };
        let high_unit = other.unit.map(|(unit, _)| unit).or_else(|| unit.clone());
        let low = match (&unit, &high_unit) {
            // 50cm～2m: each has its own unit.
            (Some(low), Some(high)) if low.dimension == high.dimension => {
                high.of_base(low.to_base(value))
            }
            // 30～50万亩: the 万 of the second is that of the first.
            (None, _) if first.bare && !other.number.bare => {
                value * scale_of(other.number.value, value)
            }
            _ => value,
        };
        let high = other.number.value;
        let (said, is_dashed) = (Said::Bounded, other.is_dashed);
        let values = Values { low, high, said, unit: high_unit, end: other.end, is_dashed };
        (low <= high).then_some(values)
    }

    /// Reads the quantity whose number stands at `at`; nothing before `from` belongs to it.
    fn quantity(&self, at: usize, from: usize) -> Option<(Quantity, Range<usize>)> {
        let first = self.number(at)?;
        let before =
            |back: usize| at.checked_sub(back).filter(|&at| at >= from).map(|at| self.text[at]);
        let sign = match before(1) {
            Some('±') => Sign::PlusMinus,
            Some('-') if !before(2).is_some_and(|ch| ch.is_ascii_alphanumeric()) => Sign::Minus,
            _ => Sign::None,
        };
        let start = if sign == Sign::None { at } else { at - 1 };
        let Values { low, high, said, unit, mut end, is_dashed } = self.values(first, sign)?;
        // A year only looks like an amount.
        let may_be_year = first.bare && (1_000.0..3_000.0).contains(&first.value);
        let dimension = unit.as_ref().map(|unit| &unit.dimension);
        if may_be_year && dimension.is_some() && dimension == self.units.years.as_ref() {
            return None;
        }
        let is_wanted =
            |dimension: &Dimension| self.wanted.is_none_or(|wanted| wanted.contains(dimension));
        if dimension.is_some_and(|dimension| !is_wanted(dimension)) {
            return None;
        }
        let (behind, relation_behind) = self.behind(end, unit.is_some());
        let (name_end, relation_before) = self.before(start, from);
        let relation = match (relation_before, relation_behind) {
            (Some(About) | None, Some(behind)) | (_, Some(behind @ About)) => Some(behind),
            (before, _) => before,
        };
        end = behind;
        let in_bracket = match unit {
            None => self.unit_in_bracket(name_end, from),
            Some(_) => None,
        };
        let (unit, name_end) = match in_bracket {
            Some((unit, open)) => (Some(unit), open),
            None => (unit, name_end),
        };
        let name_start = self.name_start(name_end, from);
        let name: String = self.text[name_start..name_end].iter().collect();
        let name = trimmed_name(&name).to_owned();
        if unit.is_none() {
            // Without a unit a number is a quantity when it is bounded, and counts nothing that is not known. The
            // numbers of norms and of lists look like ranges: GB/T 1234-2008, 附件1-3.
            let is_measure = !is_dashed
                || name.ends_with(|ch| MEASURES.contains(ch))
                || name.to_lowercase().ends_with("ph");
            let bounded = relation.is_some() || said != Said::Plain && is_measure;
            let counts = self.text.get(self.spaces(end)).is_some_and(|ch| is_word(*ch));
            if !bounded || counts && relation_behind.is_none() || name.is_empty() {
                return None;
            }
        }
        let mut unit = unit.unwrap_or_else(Unit::none);
        if DIFFERENCES.iter().any(|word| name.ends_with(word)) {
            unit = unit.of_differences();
        }
        let (low, high, said) = match (said, relation) {
            (Said::Tolerance, _) => {
                let most = unit.clone().of_differences().to_base(high);
                (Bound::At(-most), Bound::At(most), said)
            }
            (Said::Bounded, _) => {
                (Bound::At(unit.to_base(low)), Bound::At(unit.to_base(high)), said)
            }
            (Said::Plain, relation) => {
                let value = unit.to_base(low);
                match relation {
                    Some(AtLeast) => (Bound::At(value), Bound::Open, Said::Bounded),
                    Some(MoreThan) => (Bound::Beyond(value), Bound::Open, Said::Bounded),
                    Some(AtMost) => (Bound::Open, Bound::At(value), Said::Bounded),
                    Some(LessThan) => (Bound::Open, Bound::Beyond(value), Said::Bounded),
                    Some(About) | None => (Bound::At(value), Bound::At(value), Said::Plain),
                }
            }
        };
        let start = if name.is_empty() { name_end.min(start) } else { name_start };
        let dimension = unit.dimension;
        let (place, span) = (0..0, String::new());
        Some((Quantity { name, low, high, dimension, said, place, span }, start..end))
    }

    /// Reads `±0.5 mm` behind a value.
    fn deviation(&self, at: usize) -> Option<Beside> {
        let at = self.spaces(at);
        (self.text.get(at) == Some(&'±')).then_some(())?;
        let number = self.number(self.spaces(at + 1))?;
        let unit = self.unit(number.end);
        let end = unit.as_ref().map_or(number.end, |(_, end)| *end);
        Some(Beside { number, unit, end, is_dashed: false })
    }

    /// Reads the other end of a range: `～50 mm`, `-60℃`, `至 80%`.
    fn other_end(&self, at: usize) -> Option<Beside> {
        let mut at = self.spaces(at);
        let joiner = JOINERS.iter().find(|joiner| self.starts_with(at, joiner))?;
        at += joiner.chars().count();
        while self.text.get(at) == Some(&'-') && *joiner == "-" || self.text.get(at) == Some(&'—')
        {
            at += 1;
        }
        at = self.spaces(at);
        let is_negative = self.text.get(at) == Some(&'-');
        let plus = usize::from(self.text.get(at) == Some(&'+') || is_negative);
        let at = at + plus;
        if !self.text.get(at).is_some_and(char::is_ascii_digit) {
            return None;
        }
        let mut number = self.number(at)?;
        if is_negative {
            number.value = -number.value;
        }
        // 10-20-30 is no range.
        if self.text.get(number.end) == Some(&'-') && *joiner == "-" {
            return None;
        }
        let unit = self.unit(number.end);
        let end = unit.as_ref().map_or(number.end, |(_, end)| *end);
        Some(Beside { number, unit, end, is_dashed: *joiner == "-" })
    }

    /// Reads words behind a quantity; returns where they end.
    fn behind(&self, end: usize, has_unit: bool) -> (usize, Option<Relation>) {
        let at = self.spaces(end);
        for (word, relation) in BEHIND {
            if !self.starts_with(at, word) {
                continue;
            }
            let behind = at + word.chars().count();
            // 内 and 起 alone also begin words: 10米内径, 3天起效.
            let next = self.text.get(behind);
            let short = word.chars().nth(1).is_none();
            if short && (!has_unit || next.is_some_and(|ch| is_word(*ch) && *ch != '的')) {
                continue;
            }
            return (behind, Some(relation));
        }
        (end, None)
    }

    /// Reads words and signs before a number; returns where they begin.
    fn before(&self, start: usize, from: usize) -> (usize, Option<Relation>) {
        let mut at = start;
        let mut relation = None;
        loop {
            while at > from && self.text[at - 1] == ' ' {
                at -= 1;
            }
            let known = SIGNS.iter().chain(&BEFORE);
            if let Some((word, found)) =
                known.into_iter().find(|(word, _)| self.ends_with(at, from, word))
            {
                if relation.is_none() || relation == Some(About) {
                    relation = Some(*found);
                }
                at -= word.chars().count();
            } else if let Some(word) = FILLERS.iter().find(|word| self.ends_with(at, from, word)) {
                at -= word.chars().count();
            } else {
                return (at, relation);
            }
        }
    }

    /// Reads a unit in brackets that end at `end`: `强度（MPa）`. Returns where the bracket opens.
    fn unit_in_bracket(&self, end: usize, from: usize) -> Option<(Unit, usize)> {
        let close = end.checked_sub(1).filter(|&at| at >= from && self.text[at] == ')')?;
        let open = (from..close).rev().take(12).find(|&at| self.text[at] == '(')?;
        let inner = &self.text[open + 1..close];
        let (unit, length) = self.units.prefix(inner)?;
        (length == inner.len()).then_some((unit, open))
    }

    /// Finds where the name that ends at `end` begins.
    fn name_start(&self, end: usize, from: usize) -> usize {
        let mut at = end;
        let mut depth = 0usize;
        while at > from && end - at < MAX_NAME {
            let ch = self.text[at - 1];
            match ch {
                ')' => depth += 1,
                '(' if depth == 0 => break,
                '(' => depth -= 1,
                ch if STOPS.contains(ch) || ch == ':' => break,
                // Numbers of a list: 1. 2) 三、
                '.' if self.text.get(at).is_none_or(|next| !next.is_ascii_digit()) => break,
                _ => {}
            }
            at -= 1;
        }
        // Not from the middle of a word or number.
        while at < end
            && at > from
            && self.text[at].is_ascii_alphanumeric()
            && self.text[at - 1].is_ascii_alphanumeric()
        {
            at += 1;
        }
        at
    }
}

/// What a first number shares of the scale of a second that has 万 or 亿.
fn scale_of(second: f64, first: f64) -> f64 {
    let scales = MULTIPLIERS.iter().map(|(_, factor)| *factor);
    let fits = |scale: &f64| second / scale >= 1.0 && first * scale <= second;
    scales.filter(fits).fold(1.0, f64::max)
}

fn is_word(ch: char) -> bool {
    ch.is_alphabetic() && !ch.is_ascii_uppercase()
}

fn trimmed_name(name: &str) -> &str {
    let mut name = name.trim_matches(|ch: char| !ch.is_alphanumeric() && !"()%℃".contains(ch));
    if !name.contains('(') {
        name = name.trim_start_matches(')');
    }
    while let Some(rest) = LEADS.iter().find_map(|lead| name.strip_prefix(lead)) {
        name = rest.trim_start();
    }
    let digits = |ch: char| ch.is_ascii_digit() || ch == ' ' || ch == ')' || ch == '.';
    if name.chars().all(|ch| !ch.is_alphabetic()) { "" } else { name.trim_start_matches(digits) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quantity::test_units;

    /// Prints what was found: name, low, high in base units.
    fn found(text: &str) -> Vec<String> {
        let print = |bound: Bound, open: &str, sides: (&str, &str)| match bound {
            Bound::Open => open.to_owned(),
            Bound::At(value) => format!("{}{}", sides.0, short(value)),
            Bound::Beyond(value) => format!("{}{}", sides.1, short(value)),
        };
        let quantities = test_units().find(text);
        let show = |quantity: &Quantity| {
            let low = print(quantity.low, "(", ("[", "("));
            let high = print(quantity.high, "", ("", "<"));
            format!("{}{low},{high}", quantity.name)
        };
        quantities.iter().map(show).collect()
    }

    fn short(value: f64) -> String {
        let text = format!("{value:.6e}");
        let (digits, power) = text.split_once('e').expect("printed so");
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        if power == "0" { digits.to_owned() } else { format!("{digits}e{power}") }
    }

    #[test]
    fn words_and_signs_bound_a_value() {
        let check = |text: &str, expected: &[&str]| assert_eq!(found(text), expected, "{text}");
        check("剪切强度不低于 1.38 MPa", &["剪切强度[1.38e6,"]);
        check("剪切强度≥1.38MPa", &["剪切强度[1.38e6,"]);
        check("脱盐率大于99%", &["脱盐率(9.9e-1,"]);
        check("能耗小于等于3kWh/m³", &["能耗(,1.08e7"]);
        check("厚度低于0.03 mm", &["厚度(,<3e-5"]);
        check("精度达到±0.02mm", &["精度[-2e-5,2e-5"]);
        check("温差±5℃", &["温差[-5,5"]);
        check("长度10±0.5mm", &["长度[9.5e-3,1.05e-2"]);
        check("粒径0.03～0.05 mm", &["粒径[3e-5,5e-5"]);
        check("工作温度-20℃至60℃", &["工作温度[2.5315e2,3.3315e2"]);
        check("幅宽50cm～2m", &["幅宽[5e-1,2"]);
        check("投资100万元以内", &["投资(,1e6"]);
        check("年产量30-50万吨", &["年产量[3e8,5e8"]);
        check("亩产600公斤以上", &["亩产[6e2,"]);
        check("拉伸强度（MPa）≥50", &["拉伸强度[5e7,"]);
        check("浓度为2.5×10^-3 mol/L", &["浓度[2.5,2.5"]);
        check("寿命约10年左右", &["寿命[3.15576e8,3.15576e8"]);
        check("流量34 m³/d，回收率≥ 45％", &["流量[3.935185e-4,3.935185e-4", "回收率[4.5e-1,"]);
        check("全角数字：压力≥５．５ＭＰａ", &["压力[5.5e6,"]);
        check("pH值6～9", &["pH值[6,9"]);
        check("占地1,234,567平方米", &["占地[1.234567e6,1.234567e6"]);
        check("pH值6-9，湿度50±5%", &["pH值[6,9", "湿度[4.5e-1,5.5e-1"]);
        check("电压220V±10%", &["电压[1.98e2,2.42e2"]);
        check("温度上升约2℃", &["温度上升[2,2"]);
        check("黏度降至1 500 mPa·s左右", &["黏度[1.5,1.5"]);
    }

    #[test]
    fn what_only_looks_like_a_quantity_is_none() {
        for text in [
            "2019年完成",
            "2019-2020年",
            "GB/T 1234-2008",
            "型号A-12",
            "第3项",
            "5克隆",
            "21世纪",
            "1.2.3 总则",
            "公元前",
            "电话13800000000",
            "80年代",
            "共3种",
            "2号机",
            "",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn the_place_is_that_of_the_span() {
        let text = "　要求：剪切强度不低于 1.38 MPa，厚度≤３ｍｍ。";
        for quantity in test_units().find(text) {
            assert_eq!(text[quantity.place.clone()].trim(), quantity.span);
        }
        let spans: Vec<String> = test_units().find(text).into_iter().map(|q| q.span).collect();
        assert_eq!(spans, ["剪切强度不低于 1.38 MPa", "厚度≤３ｍｍ"]);
    }

    #[test]
    fn declared_quantities_read_as_said() {
        let value =
            serde_json::json!({ "name": "脱盐率", "operator": "ge", "value": 99.8, "unit": "%" });
        let quantity = test_units().declared(&value).unwrap();
        assert_eq!((quantity.low, quantity.high), (Bound::At(99.8 * 0.01), Bound::Open));
        assert_eq!(quantity.span, "脱盐率 ≥ 99.8 %");
        let value =
            serde_json::json!({ "operator": "between", "value": 1, "value_to": 2, "unit": "mm" });
        assert_eq!(test_units().declared(&value).unwrap().span, "1–2 mm");
        let value = serde_json::json!({ "operator": "eq", "value": 1, "unit": "没有的单位" });
        assert_eq!(test_units().declared(&value), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[0-9.,~±≥≤ a-zA-Z%℃至以上内约不低于米年万亿（）()—-]{0,40}") {
            let mut last = 0;
            for quantity in test_units().find(&text) {
                prop_assert!(quantity.place.start >= last && quantity.place.end <= text.len());
                last = quantity.place.end;
                let (low, high) = quantity.ends();
                prop_assert!(low <= high, "{text}: {quantity:?}");
            }
        }

        #[test]
        fn a_value_reads_the_same_in_any_spelling(value in 1u32..10_000, wide in any::<bool>()) {
            let digits = value.to_string();
            let digits: String = match wide {
                true => digits.chars().map(|ch| char::from_u32(ch as u32 + 0xfee0).unwrap()).collect(),
                false => digits,
            };
            let [a, b] = ["强度≥{}kPa", "强度不低于 {} 千帕"].map(|text| {
                let found = test_units().find(&text.replace("{}", &digits));
                (found[0].low, found[0].high, found[0].dimension.clone())
            });
            prop_assert_eq!(a, b);
        }
    }
}
