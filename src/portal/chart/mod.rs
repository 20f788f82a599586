//! Charts: one table of numbers, drawn as SVG, shown as a table, and written as CSV.
//!
//! A drawing is made of percentages across and `em` down, so that its text has the size of the page's on every width.

mod draw;

use askama::Template;

use super::text::{ChartTexts, Lang, grouped};
pub use draw::Mark;

/// Numbers by row and column, and how they are drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// Own on its page: names the parts of the drawing.
    pub id: String,
    pub title: String,
    /// What is counted, and what is not.
    pub definition: String,
    pub shape: Shape,
    /// What the rows are: `日期`.
    pub row_label: String,
    /// What each column counts.
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
    /// Address of the numbers as CSV.
    pub csv: String,
}

/// One row of numbers, as many as there are columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub label: String,
    /// What the drawing says where there is little room.
    pub short: Option<String>,
    /// Where the row can be looked up.
    pub href: Option<String>,
    pub values: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One bar a column of each row, the rows below each other.
    Bars,
    /// The rows beside each other.
    Columns,
    /// One line a column; all but the first are dashed.
    Line,
    /// A cell a row and group; columns come in pairs, what is asked for and what is offered.
    Heat { groups: Vec<String> },
}

#[derive(Template)]
#[template(path = "chart.html")]
struct Figure<'a> {
    chart: &'a Chart,
    t: &'static ChartTexts,
    marks: Vec<Mark>,
    height: String,
    rows: Vec<(&'a Row, Vec<String>)>,
}

impl Chart {
    /// Draws the chart with its table, as a piece of a page.
    ///
    /// # Errors
    /// Only when the template cannot be rendered.
    pub fn figure(&self, lang: Lang) -> askama::Result<String> {
        let (marks, height) = draw::draw(self);
        let rows = self.rows.iter().map(|row| {
            let values = row.values.iter().map(|value| grouped(*value));
            (row, values.collect())
        });
        Figure { chart: self, t: ChartTexts::of(lang), marks, height, rows: rows.collect() }
            .render()
    }

    /// Writes the numbers: a header, and a row a line.
    pub fn csv(&self) -> Vec<u8> {
        // Spreadsheets read UTF-8 only behind this mark.
        let mut text = "\u{feff}".as_bytes().to_vec();
        let head = std::iter::once(&self.row_label).chain(&self.columns);
        super::csv::row(head, &mut text);
        for row in &self.rows {
            let values = row.values.iter().map(u64::to_string);
            super::csv::row(std::iter::once(row.label.clone()).chain(values), &mut text);
        }
        text
    }

    /// The classes and labels of what needs telling apart.
    fn legend(&self, t: &'static ChartTexts) -> Vec<(&'static str, String)> {
        match &self.shape {
            Shape::Heat { .. } => vec![
                ("unmet-4", t.unmet.to_owned()),
                ("unused-4", t.unused.to_owned()),
                ("both", t.both.to_owned()),
            ],
            _ if self.columns.len() < 2 => Vec::new(),
            _ => (0..).map(draw::class).zip(self.columns.iter().cloned()).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.rows.iter().all(|row| row.values.iter().all(|value| *value == 0))
    }

    fn class(&self) -> &'static str {
        match self.shape {
            Shape::Bars => "bars",
            Shape::Columns => "plot",
            Shape::Line => "line",
            Shape::Heat { .. } => "heat",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(shape: Shape, columns: usize, rows: &[&[u64]]) -> Chart {
        Chart {
            id: "c".into(),
            title: "标题 <b>".into(),
            definition: "定义".into(),
            shape,
            row_label: "行".into(),
            columns: (0..columns).map(|at| format!("列{at}")).collect(),
            rows: rows
                .iter()
                .enumerate()
                .map(|(at, values)| Row {
                    label: format!("第{at}行, \"引号\""),
                    values: values.to_vec(),
                    ..Row::default()
                })
                .collect(),
            csv: "/c.csv".into(),
        }
    }

    /// What stands between two marks, wherever they occur.
    fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
        text.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
    }

    fn numbers<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u64> {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        texts.into_iter().filter_map(|text| digits(text).parse().ok()).collect()
    }

    #[test]
    fn the_drawing_the_table_and_the_file_say_the_same() {
        let rows: &[&[u64]] = &[&[0, 12], &[1_234_567, 3], &[7, 7], &[45, 0]];
        let expected: Vec<u64> = rows.iter().flat_map(|row| row.iter().copied()).collect();
        let heat = Shape::Heat { groups: vec!["青岛市".into()] };
        for shape in [Shape::Bars, Shape::Columns, Shape::Line, heat] {
            let chart = chart(shape, 2, rows);
            let html = chart.figure(Lang::Zh).unwrap();
            let svg = between(&html, "<svg", "</svg>")[0];
            // The last part of a mark's title is its number.
            let titles = between(svg, "<title>", "</title>");
            let told = titles.iter().map(|title| title.rsplit('：').next().unwrap());
            let mut drawn = numbers(told);
            let table = between(&html, "<tbody>", "</tbody>")[0];
            let listed = numbers(between(table, "<td class=\"num\">", "</td>"));
            let file = String::from_utf8(chart.csv()).unwrap();
            let written: Vec<u64> = csv::Reader::from_reader(file.as_bytes())
                .into_records()
                .flat_map(|row| {
                    let row = row.unwrap();
                    row.iter().skip(1).map(|cell| cell.parse().unwrap()).collect::<Vec<u64>>()
                })
                .collect();
            assert_eq!(listed, expected);
            assert_eq!(written, expected);
            let mut sorted = expected.clone();
            sorted.sort_unstable();
            drawn.sort_unstable();
            assert_eq!(drawn, sorted, "{svg}");
            assert!(!html.contains("<b>") && !html.contains("style="), "{html}");
        }
    }

    #[test]
    fn nothing_and_too_much_can_be_drawn() {
        for shape in [Shape::Bars, Shape::Columns, Shape::Line] {
            for rows in [&[][..], &[&[0][..]][..], &[&[u64::MAX][..], &[1][..]][..]] {
                let html = chart(shape.clone(), 1, rows).figure(Lang::En).unwrap();
                assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
            }
        }
    }
}
