//! Days and periods in normalized text.

use std::ops::Range;

use jiff::civil::{Date, date};
use jiff::{Span as TimeSpan, ToSpan};

use super::numeral::{digits, number};
use crate::text::is_han;

/// Characters that numbers begin with, beside digits.
const NUMERALS: &str = "一二两三四五六七八九十半";
/// Characters that named and near periods begin with.
const FIRSTS: &str = "今明昨当本这下上次去前年月最近过未往接第";

/// Days, both ends inclusive; an absent end is open. At least one is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    pub from: Option<i32>,
    pub to: Option<i32>,
}

/// A period as it was written.
#[derive(Clone, Debug)]
pub enum Period {
    /// The same whatever is asked of it, a day after or before it included: `2025年`, `本月`, `2026年6月30日前`.
    Fixed { days: Days, relative: bool },
    /// A stretch that ends or begins today: `近三个月`, `30天内`.
    Near(TimeSpan),
    /// A day of a year that is not said.
    DayOfYear { month: i8, day: i8, reach: Reach },
    /// Months, both inclusive, of a year that is not said.
    MonthsOfYear { first: i8, last: i8, reach: Reach },
}

/// Which side of a day is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    On,
    Until,
    Since,
}

impl Period {
    /// Tells the days. For what must be done in time (`deadline`) they are still to come, for other things past.
    pub fn days(&self, deadline: bool, today: i32) -> Option<Days> {
        let now = civil(today)?;
        let days = match self {
            Period::Fixed { days, .. } => *days,
            Period::Near(span) if deadline => {
                Days { from: Some(today), to: Some(count(now.checked_add(*span).ok()?)) }
            }
            Period::Near(span) => {
                Days { from: Some(count(now.checked_sub(*span).ok()?)), to: Some(today) }
            }
            Period::DayOfYear { month, day, reach } => {
                let mut on = Date::new(now.year(), *month, *day).ok()?;
                if deadline && on < now {
                    on = Date::new(now.year() + 1, *month, *day).ok()?;
                } else if !deadline && on > now {
                    on = Date::new(now.year() - 1, *month, *day).ok()?;
                }
                reach.of(count(on), count(on))
            }
            Period::MonthsOfYear { first, last, reach } => {
                let of = |year| months(year, *first, *last);
                let (mut begin, mut end) = of(now.year())?;
                if deadline && end < now {
                    (begin, end) = of(now.year() + 1)?;
                } else if !deadline && begin > now {
                    (begin, end) = of(now.year() - 1)?;
                }
                reach.of(count(begin), count(end))
            }
        };
        if !deadline {
            return Some(days);
        }
        // What is past cannot be done any more, unless that is what was asked for.
        let from = match (days.from, days.to) {
            (_, Some(to)) if to < today => days.from,
            (from, _) => Some(from.map_or(today, |from| from.max(today))),
        };
        Some(Days { from, ..days })
    }

    /// Tells whether the words for it hardly occur in what is looked for.
    pub fn is_relative(&self) -> bool {
        matches!(self, Period::Near(_) | Period::Fixed { relative: true, .. })
    }
}

impl Reach {
    fn of(self, first: i32, last: i32) -> Days {
        match self {
            Reach::On => Days { from: Some(first), to: Some(last) },
            Reach::Until => Days { from: None, to: Some(last) },
            Reach::Since => Days { from: Some(first), to: None },
        }
    }
}

/// Finds the periods, in order; none overlap. `today` is in days since 1970-01-01.
pub fn find(text: &str, today: i32) -> Vec<(Range<usize>, Period)> {
    let mut found = Vec::new();
    let Some(now) = civil(today) else { return found };
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let follows_digit = text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        let starts = !(c.is_ascii_digit() && follows_digit);
        match starts.then(|| read(text, at, now)).flatten() {
            Some((period, end)) => {
                found.push((at..end, period));
                at = end;
            }
            None => at += c.len_utf8(),
        }
    }
    found
}

fn read(text: &str, at: usize, now: Date) -> Option<(Period, usize)> {
    let rest = &text[at..];
    let first = rest.chars().next()?;
    // Most places of most texts end here.
    let read = if first.is_ascii_digit() || NUMERALS.contains(first) {
        within(rest)
            .or_else(|| span(rest))
            .or_else(|| full(rest))
            .or_else(|| day_of_year(rest))
            .or_else(|| months_of_year(rest))
            .or_else(|| bare_year(text, at))
    } else if FIRSTS.contains(first) {
        named(rest, now).or_else(|| near(rest)).or_else(|| months_of_year(rest))
    } else {
        None
    };
    read.map(|(period, length)| (period, at + length))
}

/// `本月`, `今年`, `下季度` and the like.
fn named(text: &str, now: Date) -> Option<(Period, usize)> {
    let month = now.first_of_month();
    let quarter = Date::new(now.year(), (now.month() - 1) / 3 * 3 + 1, 1).ok()?;
    let week = now.checked_sub(i32::from(now.weekday().to_monday_zero_offset()).days()).ok()?;
    let year = now.first_of_year();
    let half = Date::new(now.year(), 7, 1).ok()?;
    // Names, where the period begins, how long it is, and how many of them it lies from now.
    let table: [(&[&str], Date, TimeSpan, i32); 17] = [
        (&["今天", "今日", "当天"], now, 1.day(), 0),
        (&["明天", "明日"], now, 1.day(), 1),
        (&["昨天", "昨日"], now, 1.day(), -1),
        (&["本周", "这周", "这个星期", "本星期"], week, 1.week(), 0),
        (&["下周", "下个星期", "下星期"], week, 1.week(), 1),
        (&["上周", "上个星期", "上星期"], week, 1.week(), -1),
        (&["本月", "这个月", "当月", "本月份"], month, 1.month(), 0),
        (&["下月", "下个月", "次月"], month, 1.month(), 1),
        (&["上月", "上个月"], month, 1.month(), -1),
        (&["本季度", "这个季度"], quarter, 3.months(), 0),
        (&["下季度", "下个季度"], quarter, 3.months(), 1),
        (&["上季度", "上个季度"], quarter, 3.months(), -1),
        (&["今年", "本年", "本年度", "今年度", "当年"], year, 1.year(), 0),
        (&["明年", "明年度", "下一年度"], year, 1.year(), 1),
        (&["去年", "上年度", "上一年度"], year, 1.year(), -1),
        (&["前年"], year, 1.year(), -2),
        (&["下半年"], half, 6.months(), 0),
    ];
    let best = table
        .iter()
        .flat_map(|(names, ..)| names.iter())
        .filter(|name| text.starts_with(**name))
        .max_by_key(|name| name.len());
    if let Some(name) = best {
        let (_, start, span, steps) = table.iter().find(|(names, ..)| names.contains(name))?;
        let first = start.checked_add(span.checked_mul(i64::from(*steps)).ok()?).ok()?;
        let last = first.checked_add(*span).ok()?.yesterday().ok()?;
        // 去年第三季度, 明年上半年.
        let part = (span.get_years() == 1).then(|| part_of_year(&text[name.len()..]));
        if let Some((from, to, length)) = part.flatten() {
            let (first, last) = months(first.year(), from, to)?;
            return Some(reaching(text, name.len() + length, count(first), count(last), true));
        }
        return Some(reaching(text, name.len(), count(first), count(last), true));
    }
    let ends: [(&str, Date); 5] = [
        ("年底", now.last_of_year()),
        ("年末", now.last_of_year()),
        ("年内", now.last_of_year()),
        ("月底", now.last_of_month()),
        ("上半年", half.yesterday().ok()?),
    ];
    let (name, last) = ends.into_iter().find(|(name, _)| text.starts_with(name))?;
    let first = if name == "上半年" { count(year) } else { count(now) };
    let (period, length) = reaching(text, name.len(), first, count(last), true);
    Some((period, length))
}

/// `近三个月`, `最近30天`, `未来一个季度`.
fn near(text: &str) -> Option<(Period, usize)> {
    let lead = ["最近", "近", "过去", "未来", "今后", "往后", "接下来"]
        .into_iter()
        .find(|lead| text.starts_with(lead))?;
    let (span, length) = stretch(&text[lead.len()..])?;
    let mut end = lead.len() + length;
    end += ["以来", "之内", "以内", "内"]
        .into_iter()
        .find(|tail| text[end..].starts_with(tail))
        .map_or(0, str::len);
    Some((Period::Near(span), end))
}

/// `30天内`, `三个月以内`.
fn within(text: &str) -> Option<(Period, usize)> {
    let (span, end) = stretch(text)?;
    let tail = ["之内", "以内", "内"].into_iter().find(|tail| text[end..].starts_with(tail))?;
    Some((Period::Near(span), end + tail.len()))
}

/// `三个月`, `30天`, `半年`.
fn stretch(text: &str) -> Option<(TimeSpan, usize)> {
    let (many, mut end) = number(text)?;
    end += text[end..].strip_prefix('个').map_or(0, |_| '个'.len_utf8());
    let units = [("星期", 7.0), ("礼拜", 7.0), ("周", 7.0), ("天", 1.0), ("日", 1.0)];
    if let Some((name, days)) = units.into_iter().find(|(name, _)| text[end..].starts_with(name)) {
        return Some((((many * days) as i32).clamp(0, 36_500).days(), end + name.len()));
    }
    let units = [("季度", 3.0), ("月", 1.0), ("年", 12.0)];
    let (name, months) = units.into_iter().find(|(name, _)| text[end..].starts_with(name))?;
    let months = (many * months).clamp(0.0, 1_200.0);
    let span = if months < 1.0 { 15.days() } else { (months as i32).months() };
    Some((span, end + name.len()))
}

/// `2026年`, `2026年6月`, `2026年6月30日`, `2026年第三季度`, `2026-06-30`, each with `前`, `以来` and the like.
fn full(text: &str) -> Option<(Period, usize)> {
    let (first, last, end) = dated(text)?;
    Some(reaching(text, end, count(first), count(last), false))
}

/// `2024年至2026年`, `2024-2026年`, `2025年3月到6月`: from the first day of one to the last day of the other.
fn span(text: &str) -> Option<(Period, usize)> {
    let bare = || {
        let (year, length) = year(text)?;
        let year = date(year, 1, 1);
        Some((year, year.last_of_year(), length))
    };
    let (first, _, length) = dated(text).or_else(bare)?;
    let joiner = ["至", "到", "-", "\n"].into_iter().find(|j| text[length..].starts_with(j))?;
    let behind = length + joiner.len();
    let rest = &text[behind..];
    let month = || {
        let (month, length) = month_number(rest)?;
        let (_, last) = months(first.year(), month, month)?;
        Some((first, last, length))
    };
    let (_, last, length) = dated(rest).or_else(month)?;
    (first < last).then(|| reaching(text, behind + length, count(first), count(last), false))
}

fn year(text: &str) -> Option<(i16, usize)> {
    let (year, length) = digits(text, 4).filter(|(year, _)| (1949..2100).contains(year))?;
    Some((year as i16, length))
}

/// The first and the last day of what has its year with it, and its length.
fn dated(text: &str) -> Option<(Date, Date, usize)> {
    let (year, mut end) = year(text)?;
    let joined = text[end..].chars().next().filter(|c| matches!(c, '-' | '/' | '.'));
    if let Some(joiner) = joined {
        let (month, length) = digits(&text[end + 1..], 2)?;
        end += 1 + length;
        let day = text[end..].strip_prefix(joiner).and_then(|rest| digits(rest, 2));
        if let Some((_, length)) = day {
            end += 1 + length;
        }
        if text[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || "-/.".contains(c)) {
            return None;
        }
        let (first, last) = month_or_day(year, month, day.map(|(day, _)| day))?;
        return Some((first, last, end));
    }
    end += text[end..].strip_prefix("年度").map_or_else(
        || text[end..].strip_prefix('年').map(|_| '年'.len_utf8()),
        |_| Some("年度".len()),
    )?;
    let (mut first, mut last) = (date(year, 1, 1), date(year, 12, 31));
    if let Some((from, to, length)) = part_of_year(&text[end..]) {
        end += length;
        (first, last) = months(year, from, to)?;
    } else if let Some((month, length)) = digits(&text[end..], 2)
        && text[end + length..].starts_with('月')
    {
        end += length + '月'.len_utf8();
        let day = day_number(&text[end..]);
        if let Some((_, length)) = day {
            end += length;
        }
        (first, last) = month_or_day(year, month, day.map(|(day, _)| day))?;
    }
    Some((first, last, end))
}

/// `第三季度`, `上半年`, `年底`, and months with 份: the first and the last month, and the length.
fn part_of_year(text: &str) -> Option<(i8, i8, usize)> {
    let names = [
        ("上半年", 1, 6),
        ("下半年", 7, 12),
        ("年初", 1, 1),
        ("年底", 12, 12),
        ("年末", 12, 12),
        ("底", 12, 12),
        ("末", 12, 12),
        ("初", 1, 1),
    ];
    if let Some((name, first, last)) = names.into_iter().find(|(name, ..)| text.starts_with(name)) {
        // Not in 末端, 初中, 底盘.
        let after = text[name.len()..].chars().next();
        let ends = after.is_none_or(|c| !is_han(c) || "前之以后起到".contains(c));
        return (name.len() > '底'.len_utf8() || ends).then_some((first, last, name.len()));
    }
    if let Some((quarter, length)) = quarter(text) {
        return Some((quarter * 3 - 2, quarter * 3, length));
    }
    let (month, length) =
        month_number(text).filter(|(_, length)| text[..*length].ends_with('份'))?;
    Some((month, month, length))
}

/// `第三季度`, `3季度`, `q3`.
fn quarter(text: &str) -> Option<(i8, usize)> {
    let rest = text.strip_prefix('q').or_else(|| text.strip_prefix('第')).unwrap_or(text);
    let lead = text.len() - rest.len();
    let (quarter, length) = number(rest).filter(|(n, _)| [1.0, 2.0, 3.0, 4.0].contains(n))?;
    let unit = match text.starts_with('q') {
        true => "",
        false => "季度",
    };
    let fits = rest[length..].starts_with(unit);
    fits.then_some((quarter as i8, lead + length + unit.len()))
}

/// `6月`, `十月份`.
fn month_number(text: &str) -> Option<(i8, usize)> {
    let (month, mut end) =
        number(text).filter(|(n, _)| n.fract() == 0.0 && (1.0..13.0).contains(n))?;
    end += text[end..].strip_prefix('月').map(|_| '月'.len_utf8())?;
    end += text[end..].strip_prefix('份').map_or(0, |_| '份'.len_utf8());
    Some((month as i8, end))
}

/// The first day of the first and the last day of the last month.
fn months(year: i16, first: i8, last: i8) -> Option<(Date, Date)> {
    let of = |month| Date::new(year, month, 1).ok();
    Some((of(first)?, of(last)?.last_of_month()))
}

/// `第三季度`, `十月份`; without a year, and so what lies nearest. A half or an end of the year is that of this year.
fn months_of_year(text: &str) -> Option<(Period, usize)> {
    let starts = |c: char| text.starts_with(c);
    if ['底', '末', '初', '年', '上', '下', 'q'].into_iter().any(starts) {
        return None;
    }
    let (first, last, end) = part_of_year(text)?;
    let (reach, length) = reach(&text[end..]);
    Some((Period::MonthsOfYear { first, last, reach }, end + length))
}

/// `6月30日前`, `12月15日`; a month alone is too common a word.
fn day_of_year(text: &str) -> Option<(Period, usize)> {
    let (month, length) = digits(text, 2)?;
    let mut end = length;
    end += text[end..].strip_prefix('月').map(|_| '月'.len_utf8())?;
    let (day, length) = day_number(&text[end..])?;
    end += length;
    // The longest year there is tells which days there are.
    Date::new(2024, month as i8, day as i8).ok()?;
    let (reach, length) = reach(&text[end..]);
    Some((Period::DayOfYear { month: month as i8, day: day as i8, reach }, end + length))
}

fn day_number(text: &str) -> Option<(u32, usize)> {
    let (day, length) = digits(text, 2)?;
    let unit = ['日', '号'].into_iter().find(|unit| text[length..].starts_with(*unit))?;
    Some((day, length + unit.len_utf8()))
}

fn month_or_day(year: i16, month: u32, day: Option<u32>) -> Option<(Date, Date)> {
    let first = Date::new(year, i8::try_from(month).ok()?, 1).ok()?;
    match day {
        None => Some((first, first.last_of_month())),
        Some(day) => {
            let day = Date::new(year, first.month(), i8::try_from(day).ok()?).ok()?;
            Some((day, day))
        }
    }
}

/// A year that stands alone: not part of a number, a code or a measure.
fn bare_year(text: &str, at: usize) -> Option<(Period, usize)> {
    let (year, length) = digits(&text[at..], 4)?;
    if length != 4 || !(2000..2100).contains(&year) {
        return None;
    }
    let before = text[..at].chars().next_back();
    let after = text[at + length..].chars().next();
    let is_joined =
        |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || "-_./&':@+#".contains(c));
    let is_measured = after.is_some_and(|c| {
        "万亿千百元吨个米人名家项台套件度瓦伏平克升斤只条次月日号小分公里毫微兆转安秒".contains(c)
    });
    if is_joined(before) || is_joined(after) || is_measured {
        return None;
    }
    let days = Days {
        from: Some(count(date(year as i16, 1, 1))),
        to: Some(count(date(year as i16, 12, 31))),
    };
    Some((Period::Fixed { days, relative: false }, length))
}

/// Makes a period of its first and last day and of the word that follows it.
fn reaching(text: &str, end: usize, first: i32, last: i32, relative: bool) -> (Period, usize) {
    let (reach, length) = reach(&text[end..]);
    (Period::Fixed { days: reach.of(first, last), relative }, end + length)
}

fn reach(text: &str) -> (Reach, usize) {
    let table = [
        ("之前", Reach::Until),
        ("以前", Reach::Until),
        ("前", Reach::Until),
        ("之后", Reach::Since),
        ("以后", Reach::Since),
        ("以来", Reach::Since),
        ("起", Reach::Since),
        ("后", Reach::Since),
    ];
    let tail = table.into_iter().find(|(tail, _)| text.starts_with(tail));
    tail.map_or((Reach::On, 0), |(tail, reach)| (reach, tail.len()))
}

fn civil(days: i32) -> Option<Date> {
    date(1970, 1, 1).checked_add(days.days()).ok()
}

fn count(day: Date) -> i32 {
    date(1970, 1, 1).until(day).map_or(0, |span| span.get_days())
}

/// Prints days as `YYYY-MM-DD`.
pub fn print(days: i32) -> String {
    civil(days).map_or_else(String::new, |day| day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::validate::days;

    /// 2026-11-23, a Monday.
    fn today() -> i32 {
        days("2026-11-23").expect("a day")
    }

    fn check(text: &str, deadline: bool, expected: &[(&str, &str)]) {
        let found: Vec<(String, String)> = find(text, today())
            .into_iter()
            .map(|(range, period)| {
                let days = period.days(deadline, today()).expect("days");
                let end = |day: Option<i32>| day.map(print).unwrap_or_default();
                (text[range].to_owned(), format!("{}..{}", end(days.from), end(days.to)))
            })
            .collect();
        let expected: Vec<(String, String)> =
            expected.iter().map(|(text, days)| (text.to_string(), days.to_string())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn periods_that_are_past() {
        check("近三个月新出台的政策", false, &[("近三个月", "2026-08-23..2026-11-23")]);
        check("最近30天内", false, &[("最近30天内", "2026-10-24..2026-11-23")]);
        check("近半年", false, &[("近半年", "2026-05-23..2026-11-23")]);
        check("今年的政策", false, &[("今年", "2026-01-01..2026-12-31")]);
        check("去年以来", false, &[("去年以来", "2025-01-01..")]);
        check("2025年政策", false, &[("2025年", "2025-01-01..2025-12-31")]);
        check("2024年度", false, &[("2024年度", "2024-01-01..2024-12-31")]);
        check("2025年2月发布", false, &[("2025年2月", "2025-02-01..2025-02-28")]);
        check("2025-06-30以后", false, &[("2025-06-30以后", "2025-06-30..")]);
        check("揭榜挂帅2025榜单", false, &[("2025", "2025-01-01..2025-12-31")]);
        check("上周", false, &[("上周", "2026-11-16..2026-11-22")]);
        check("上个月", false, &[("上个月", "2026-10-01..2026-10-31")]);
        check("12月15日", false, &[("12月15日", "2025-12-15..2025-12-15")]);
        check("十月份发布", false, &[("十月份", "2026-10-01..2026-10-31")]);
        check("12月份", false, &[("12月份", "2025-12-01..2025-12-31")]);
    }

    #[test]
    fn spans_and_parts_of_years() {
        check("2024年至2026年", false, &[("2024年至2026年", "2024-01-01..2026-12-31")]);
        check("2024至2026年政策", false, &[("2024至2026年", "2024-01-01..2026-12-31")]);
        check("2024-2026年", false, &[("2024-2026年", "2024-01-01..2026-12-31")]);
        check("2025年3月到6月", false, &[("2025年3月到6月", "2025-03-01..2025-06-30")]);
        check(
            "2025-03-01至2025-06-30",
            false,
            &[("2025-03-01至2025-06-30", "2025-03-01..2025-06-30")],
        );
        check("2025年第三季度", false, &[("2025年第三季度", "2025-07-01..2025-09-30")]);
        check("2025年2季度以来", false, &[("2025年2季度以来", "2025-04-01..")]);
        check("2025年上半年", false, &[("2025年上半年", "2025-01-01..2025-06-30")]);
        check("2025年下半年", false, &[("2025年下半年", "2025-07-01..2025-12-31")]);
        check("2025年底前", false, &[("2025年底前", "..2025-12-31")]);
        check("去年四季度", false, &[("去年四季度", "2025-10-01..2025-12-31")]);
        check("第四季度申报", true, &[("第四季度", "2026-11-23..2026-12-31")]);
        check("一季度申报", true, &[("一季度", "2027-01-01..2027-03-31")]);
        check(
            "2026年至2024年",
            false,
            &[("2026年", "2026-01-01..2026-12-31"), ("2024年", "2024-01-01..2024-12-31")],
        );
    }

    #[test]
    fn deadlines_are_to_come() {
        check("本月截止", true, &[("本月", "2026-11-23..2026-11-30")]);
        check("6月30日前", true, &[("6月30日前", "2026-11-23..2027-06-30")]);
        check("12月15日前", true, &[("12月15日前", "2026-11-23..2026-12-15")]);
        check("两周内截止", true, &[("两周内", "2026-11-23..2026-12-07")]);
        check("年底前申报", true, &[("年底前", "2026-11-23..2026-12-31")]);
        check("下月截止", true, &[("下月", "2026-12-01..2026-12-31")]);
        check("2024年申报", true, &[("2024年", "2024-01-01..2024-12-31")]);
    }

    #[test]
    fn other_numbers_are_no_days() {
        for text in [
            "300kV冷冻透射电镜",
            "2-吡咯烷酮",
            "2000吨",
            "12345",
            "5.4.5",
            "1月",
            "13月40日",
            "gb/t19001-2016",
            "三个月",
            "2025-13-40",
            "9999年",
            "当前",
            "",
        ] {
            check(text, false, &[]);
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[0-9年月日内前近半三十个第季度底份上下至-]{0,20}", day in -100_000i32..100_000) {
            for (range, period) in find(&text, day) {
                let _ = &text[range];
                period.days(true, day);
                period.days(false, day);
            }
        }
    }
}
