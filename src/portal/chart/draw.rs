//! Shapes: where each mark of a chart stands.

use super::{Chart, Shape};
use crate::portal::text::grouped;

/// Height of a plot, and the room for labels below it, in em.
const PLOT: f64 = 12.0;
const BELOW: f64 = 2.0;
/// Room above the highest value.
const ABOVE: f64 = 1.5;
/// Most labels along columns and along a line, which is as narrow as its page; most columns that say their value.
const MAX_LABELS: usize = 8;
const MAX_LINE_LABELS: usize = 4;
const MAX_VALUES: usize = 16;
/// Share of the width that labels of a heat table's rows take, and room for them and for the columns', in em.
const SIDE: f64 = 19.0;
const SIDE_EM: usize = 9;
const HEAD_EM: usize = 4;
/// Height of a row of a heat table, in em.
const CELL: f64 = 2.5;

/// Part of a drawing. Across in percent, down in em.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    Rect { x: String, y: String, width: String, height: String, class: String, title: String },
    Line { x1: String, y1: String, x2: String, y2: String, class: &'static str },
    Dot { x: String, y: String, class: &'static str, title: String },
    Text { x: String, y: String, class: &'static str, text: String },
}

/// Returns the marks, in the order in which they are drawn, and the height in em.
pub(super) fn draw(chart: &Chart) -> (Vec<Mark>, String) {
    let (marks, height) = match &chart.shape {
        Shape::Bars => bars(chart),
        Shape::Columns => columns(chart),
        Shape::Line => line(chart),
        Shape::Heat { groups } => heat(chart, groups),
    };
    (marks, em(height))
}

fn greatest(chart: &Chart) -> f64 {
    chart.rows.iter().flat_map(|row| &row.values).copied().max().unwrap_or(0).max(1) as f64
}

/// The class of a column's marks.
pub(super) fn class(column: usize) -> &'static str {
    ["first", "second", "third"][column % 3]
}

/// `行 · 列：1,234`.
fn title(chart: &Chart, row: &str, column: usize, value: u64) -> String {
    match chart.columns.as_slice() {
        [_] => format!("{row}：{}", grouped(value)),
        columns => format!("{row} · {}：{}", columns[column], grouped(value)),
    }
}

fn bars(chart: &Chart) -> (Vec<Mark>, f64) {
    let most = greatest(chart);
    let mut marks = Vec::new();
    let mut y = 0.0;
    for row in &chart.rows {
        let text = row.short.clone().unwrap_or_else(|| row.label.clone());
        marks.push(text_at(0.0, y + 1.1, "label", text));
        y += 1.5;
        for (column, value) in row.values.iter().enumerate() {
            let width = *value as f64 / most * 84.0;
            marks.push(Mark::Rect {
                x: percent(0.0),
                y: em(y),
                width: percent(width.max(0.3)),
                height: em(1.0),
                class: class(column).to_owned(),
                title: title(chart, &row.label, column, *value),
            });
            marks.push(text_at(width + 1.2, y + 0.9, "value", grouped(*value)));
            y += 1.2;
        }
        y += 0.6;
    }
    (marks, y)
}

/// Axis, half-way line and their numbers.
fn axis(most: f64) -> Vec<Mark> {
    let line = |share: f64| {
        let y = em(ABOVE + PLOT * (1.0 - share));
        Mark::Line { x1: percent(0.0), y1: y.clone(), x2: percent(100.0), y2: y, class: "axis" }
    };
    let mut marks = vec![line(0.0), line(1.0)];
    marks.push(text_at(0.0, ABOVE - 0.4, "soft", grouped(most as u64)));
    if most >= 2.0 {
        marks.push(line(0.5));
        marks.push(text_at(0.0, ABOVE + PLOT / 2.0 - 0.4, "soft", grouped((most / 2.0) as u64)));
    }
    marks
}

/// Labels of the rows along a plot: as many as have room, the last among them.
fn labels(chart: &Chart, most: usize, x: impl Fn(usize) -> f64) -> impl Iterator<Item = Mark> {
    let last = chart.rows.len().saturating_sub(1);
    let step = chart.rows.len().div_ceil(most).max(1);
    chart.rows.iter().enumerate().filter(move |(at, _)| (last - at).is_multiple_of(step)).map(
        move |(at, row)| {
            let text = row.short.clone().unwrap_or_else(|| row.label.clone());
            let anchor = match at {
                at if at == last && last > most => "end",
                0 if last > most => "label",
                _ => "middle",
            };
            text_at(x(at), ABOVE + PLOT + 1.4, anchor, text)
        },
    )
}

fn columns(chart: &Chart) -> (Vec<Mark>, f64) {
    let most = greatest(chart);
    let mut marks = axis(most);
    let slot = 100.0 / chart.rows.len().max(1) as f64;
    let width = slot * 0.7 / chart.columns.len().max(1) as f64;
    let middle = |at: usize| slot * (at as f64 + 0.5);
    for (at, row) in chart.rows.iter().enumerate() {
        let start = middle(at) - slot * 0.35;
        for (column, value) in row.values.iter().enumerate() {
            let x = start + width * column as f64;
            let height = *value as f64 / most * PLOT;
            marks.push(Mark::Rect {
                x: percent(x),
                y: em(ABOVE + PLOT - height),
                width: percent(width * 0.92),
                height: em(height),
                class: class(column).to_owned(),
                title: title(chart, &row.label, column, *value),
            });
            if chart.rows.len() * chart.columns.len() <= MAX_VALUES && *value > 0 {
                let x = x + width * 0.46;
                marks.push(text_at(x, ABOVE + PLOT - height - 0.3, "middle", grouped(*value)));
            }
        }
    }
    marks.extend(labels(chart, MAX_LABELS, middle));
    (marks, ABOVE + PLOT + BELOW)
}

fn line(chart: &Chart) -> (Vec<Mark>, f64) {
    let most = greatest(chart);
    let mut marks = axis(most);
    let steps = chart.rows.len().saturating_sub(1).max(1) as f64;
    let x = |at: usize| 1.0 + at as f64 / steps * 98.0;
    let y = |value: u64| ABOVE + PLOT * (1.0 - value as f64 / most);
    // The first column is drawn last: above the others.
    for column in (0..chart.columns.len()).rev() {
        let values: Vec<u64> = chart.rows.iter().map(|row| row.values[column]).collect();
        for (at, pair) in values.windows(2).enumerate() {
            marks.push(Mark::Line {
                x1: percent(x(at)),
                y1: em(y(pair[0])),
                x2: percent(x(at + 1)),
                y2: em(y(pair[1])),
                class: class(column),
            });
        }
        for (at, value) in values.iter().enumerate() {
            marks.push(Mark::Dot {
                x: percent(x(at)),
                y: em(y(*value)),
                class: class(column),
                title: title(chart, &chart.rows[at].label, column, *value),
            });
        }
    }
    marks.extend(labels(chart, MAX_LINE_LABELS, x));
    (marks, ABOVE + PLOT + BELOW)
}

fn heat(chart: &Chart, groups: &[String]) -> (Vec<Mark>, f64) {
    let most = greatest(chart);
    let width = (100.0 - SIDE) / groups.len().max(1) as f64;
    let mut marks = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let x = SIDE + width * (at as f64 + 0.5);
        marks.push(text_at(x, 1.2, "middle", shortened(group, HEAD_EM)));
    }
    for (at, row) in chart.rows.iter().enumerate() {
        let top = 2.0 + CELL * at as f64;
        marks.push(text_at(0.0, top + 1.5, "label", shortened(&row.label, SIDE_EM)));
        for (group, pair) in row.values.chunks(2).enumerate() {
            let &[asked, offered] = pair else { continue };
            let x = SIDE + width * group as f64;
            // Two halves of a cell: what is asked for, and what is offered.
            let tone = tone(asked, offered, most);
            for (half, value) in [asked, offered].into_iter().enumerate() {
                marks.push(Mark::Rect {
                    x: percent(x + 0.15 + half as f64 * (width - 0.3) / 2.0),
                    y: em(top),
                    width: percent((width - 0.3) / 2.0),
                    height: em(CELL - 0.15),
                    class: tone.clone(),
                    title: title(chart, &row.label, group * 2 + half, value),
                });
            }
            if asked + offered > 0 {
                let text = format!("{} / {}", grouped(asked), grouped(offered));
                marks.push(text_at(x + width / 2.0, top + 1.5, "middle", text));
            }
        }
    }
    (marks, 2.0 + CELL * chart.rows.len() as f64)
}

/// The class of a cell: what is lacking, and in four steps how much.
fn tone(asked: u64, offered: u64, most: f64) -> String {
    let step = |value: u64| ((value as f64 / most * 4.0).ceil() as u64).clamp(1, 4);
    match (asked, offered) {
        (0, 0) => "none".to_owned(),
        (asked, 0) => format!("unmet-{}", step(asked)),
        (0, offered) => format!("unused-{}", step(offered)),
        _ => "both".to_owned(),
    }
}

/// Shortens a text to `most` em; a Latin letter takes half of one.
fn shortened(text: &str, most: usize) -> String {
    let halves = |ch: char| if ch.is_ascii() { 1 } else { 2 };
    if text.chars().map(halves).sum::<usize>() <= most * 2 {
        return text.to_owned();
    }
    let mut room = (most - 1) * 2;
    let kept = text.chars().take_while(|ch| {
        let fits = halves(*ch) <= room;
        room = room.saturating_sub(halves(*ch));
        fits
    });
    format!("{}…", kept.collect::<String>().trim_end())
}

fn text_at(x: f64, y: f64, class: &'static str, text: String) -> Mark {
    Mark::Text { x: percent(x), y: em(y), class, text }
}

fn percent(value: f64) -> String {
    format!("{}%", trimmed(value))
}

fn em(value: f64) -> String {
    format!("{}em", trimmed(value))
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shortened_keeps_to_its_room() {
        fn check(text: &str, expected: &str) {
            assert_eq!(shortened(text, 4), expected);
        }
        check("西海岸区", "西海岸区");
        check("西海岸新区", "西海岸…");
        check("Jiaozhou", "Jiaozhou");
        check("Shinan District", "Shinan…");
        check("Jimo District", "Jimo D…");
        check("", "");
    }
}
