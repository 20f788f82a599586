//! The filter language: which records a caller wants, without scoring them.
//!
//! ```text
//! or     = and { "OR" and }            comparison = PATH ("=" | "!=" | ">" | ">=" | "<" | "<=") VALUE
//! and    = unary { "AND" unary }                  | PATH VALUE "TO" VALUE
//! unary  = "NOT" unary | "(" or ")"               | PATH ["NOT"] "IN" "[" [ VALUE { "," VALUE } [","] ] "]"
//!        | comparison                             | PATH ["NOT"] "EXISTS"
//!                                                 | PATH "IS" ["NOT"] ("NULL" | "EMPTY")
//!                                                 | PATH "WITHIN" VALUE | PATH "COVERS" VALUE
//! ```
//!
//! Keywords are read in either case. What has spaces or signs in it is quoted with `"` or `'`; `\` escapes. Absent, null
//! and empty are one.

use std::fmt;
use std::sync::Arc;

use crate::record::FieldType;
use crate::record::kind::{Catalog, Column, Facet, Label};
use crate::record::nearest::nearest;
use crate::record::validate::days;

/// Longest filter, in characters.
pub const MAX_LENGTH: usize = 4_096;
/// Deepest nesting of brackets and `NOT`.
const MAX_DEPTH: usize = 32;
/// Most comparisons in one filter.
const MAX_CLAUSES: usize = 256;

/// A condition on a record's values. A comparison with an absent value is false.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    Equal {
        path: Arc<str>,
        value: Literal,
    },
    Range {
        path: Arc<str>,
        low: Option<(Literal, Inclusive)>,
        high: Option<(Literal, Inclusive)>,
    },
    In {
        path: Arc<str>,
        values: Vec<Literal>,
    },
    Exists {
        path: Arc<str>,
    },
    /// A value is the code or below it.
    Within {
        path: Arc<str>,
        code: String,
    },
    /// A value is the code or above it.
    Covers {
        path: Arc<str>,
        codes: Vec<String>,
    },
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
}

impl Filter {
    /// Calls `f` with the path of every column that is asked about.
    pub fn paths<'a>(&'a self, f: &mut impl FnMut(&'a Arc<str>)) {
        match self {
            Filter::Equal { path, .. }
            | Filter::Range { path, .. }
            | Filter::In { path, .. }
            | Filter::Exists { path }
            | Filter::Within { path, .. }
            | Filter::Covers { path, .. } => f(path),
            Filter::And(all) | Filter::Or(all) => all.iter().for_each(|one| one.paths(f)),
            Filter::Not(one) => one.paths(f),
        }
    }
}

pub type Inclusive = bool;

/// A value of a column's type. Dates are days since 1970-01-01.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Text(String),
    Integer(i64),
    Decimal(f64),
}

/// Why a filter was refused, and where: characters from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: expected {expected}, found {found}")]
pub struct FilterError {
    pub position: usize,
    pub expected: String,
    pub found: String,
}

/// What the names and values of a filter may be.
#[derive(Clone, Copy, Debug)]
pub struct Dialect<'a> {
    pub catalog: &'a Catalog,
    /// Only columns of this kind; `None`: of every kind.
    pub kind: Option<&'a str>,
    pub values: Values,
}

/// How a value is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Literally. A code that the column's vocabulary has not is refused.
    Literal,
    /// As a facet counts it, on the day `today` (days since 1970-01-01): a code of a tree stands for itself and all
    /// below, the key of a bucket for the bucket, and what no record can have is found in none.
    Counted { today: i32 },
}

/// Reads a filter against the columns of `catalog`. `kind` is a column too.
pub fn parse(text: &str, catalog: &Catalog) -> Result<Filter, FilterError> {
    parse_in(text, Dialect { catalog, kind: None, values: Values::Literal })
}

/// Reads a filter in a dialect.
pub fn parse_in(text: &str, dialect: Dialect<'_>) -> Result<Filter, FilterError> {
    let length = text.chars().count();
    if length > MAX_LENGTH {
        return Err(FilterError {
            position: MAX_LENGTH,
            expected: format!("at most {MAX_LENGTH} characters"),
            found: format!("{length} characters"),
        });
    }
    let tokens = tokenize(text)?;
    let mut parser = Parser { tokens, at: 0, end: length, depth: 0, clauses: 0, dialect };
    let filter = parser.or()?;
    match parser.peek() {
        None => Ok(filter),
        Some(_) => Err(parser.expected("AND, OR or the end")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Sign(&'static str),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(text) | Token::Quoted(text) => {
                let short: String = text.chars().take(40).collect();
                write!(f, "`{short}`")
            }
            Token::Sign(sign) => write!(f, "`{sign}`"),
        }
    }
}

/// Two characters before one, so that `>=` is not read as `>`.
const SIGNS: [&str; 11] = ["!=", ">=", "<=", "=", ">", "<", "(", ")", "[", "]", ","];

fn tokenize(text: &str) -> Result<Vec<(usize, Token)>, FilterError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        let ch = chars[at];
        if ch.is_whitespace() {
            at += 1;
        } else if ch == '"' || ch == '\'' {
            let mut value = String::new();
            at += 1;
            loop {
                match chars.get(at) {
                    None => {
                        return Err(FilterError {
                            position: start,
                            expected: format!("a closing {ch}"),
                            found: "the end".into(),
                        });
                    }
                    Some(&close) if close == ch => break,
                    Some('\\') if at + 1 < chars.len() => {
                        value.push(chars[at + 1]);
                        at += 2;
                    }
                    Some(&other) => {
                        value.push(other);
                        at += 1;
                    }
                }
            }
            at += 1;
            tokens.push((start, Token::Quoted(value)));
        } else if let Some(sign) = SIGNS.iter().find(|sign| {
            sign.chars().enumerate().all(|(i, expected)| chars.get(at + i) == Some(&expected))
        }) {
            at += sign.len();
            tokens.push((start, Token::Sign(sign)));
        } else {
            while at < chars.len()
                && !chars[at].is_whitespace()
                && !"=!<>()[],\"'".contains(chars[at])
            {
                at += 1;
            }
            if at == start {
                return Err(FilterError {
                    position: start,
                    expected: "a field, a value or an operator".into(),
                    found: format!("`{ch}`"),
                });
            }
            tokens.push((start, Token::Word(chars[start..at].iter().collect())));
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<(usize, Token)>,
    at: usize,
    end: usize,
    depth: usize,
    clauses: usize,
    dialect: Dialect<'a>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn position(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(position, _)| *position)
    }

    fn expected(&self, expected: impl Into<String>) -> FilterError {
        FilterError {
            position: self.position(),
            expected: expected.into(),
            found: self.peek().map_or_else(|| "the end".into(), Token::to_string),
        }
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Filter, FilterError> {
        self.joined("OR", Self::and, Filter::Or)
    }

    fn and(&mut self) -> Result<Filter, FilterError> {
        self.joined("AND", Self::unary, Filter::And)
    }

    fn joined(
        &mut self,
        keyword: &str,
        next: fn(&mut Self) -> Result<Filter, FilterError>,
        join: fn(Vec<Filter>) -> Filter,
    ) -> Result<Filter, FilterError> {
        let first = next(self)?;
        let mut all = vec![first];
        while self.keyword(keyword) {
            all.push(next(self)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { join(all) })
    }

    fn unary(&mut self) -> Result<Filter, FilterError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.expected(format!("at most {MAX_DEPTH} levels of brackets and NOT")));
        }
        let filter = if self.keyword("NOT") {
            Filter::Not(Box::new(self.unary()?))
        } else if self.sign("(") {
            let inner = self.or()?;
            if !self.sign(")") {
                return Err(self.expected("AND, OR or `)`"));
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn comparison(&mut self) -> Result<Filter, FilterError> {
        self.clauses += 1;
        if self.clauses > MAX_CLAUSES {
            return Err(self.expected(format!("at most {MAX_CLAUSES} comparisons")));
        }
        let column = self.column()?;
        let path = column.path.clone();
        if self.sign("=") {
            return self.equal(&column);
        }
        if self.sign("!=") {
            return Ok(Filter::Not(Box::new(self.equal(&column)?)));
        }
        for (sign, is_low, inclusive) in
            [(">=", true, true), (">", true, false), ("<=", false, true), ("<", false, false)]
        {
            if matches!(self.peek(), Some(Token::Sign(found)) if *found == sign) {
                self.ordered(&column)?;
                self.at += 1;
                let bound = Some((self.value(&column)?, inclusive));
                let (low, high) = if is_low { (bound, None) } else { (None, bound) };
                return Ok(Filter::Range { path, low, high });
            }
        }
        if self.keyword("EXISTS") {
            return Ok(Filter::Exists { path });
        }
        if self.keyword("IS") {
            let not = self.keyword("NOT");
            if !self.keyword("NULL") && !self.keyword("EMPTY") {
                return Err(self.expected(if not {
                    "NULL or EMPTY"
                } else {
                    "NULL, EMPTY or NOT"
                }));
            }
            let exists = Filter::Exists { path };
            return Ok(if not { exists } else { Filter::Not(Box::new(exists)) });
        }
        if self.keyword("IN") {
            return self.list(&column);
        }
        if self.keyword("NOT") {
            if self.keyword("EXISTS") {
                return Ok(Filter::Not(Box::new(Filter::Exists { path })));
            }
            if self.keyword("IN") {
                return Ok(Filter::Not(Box::new(self.list(&column)?)));
            }
            return Err(self.expected("IN or EXISTS"));
        }
        for (keyword, within) in [("WITHIN", true), ("COVERS", false)] {
            let position = self.position();
            if self.keyword(keyword) {
                return self.tree(&column, within, position);
            }
        }
        if matches!(self.peek(), Some(Token::Word(_) | Token::Quoted(_))) {
            let position = self.at;
            self.ordered(&column).map_err(|_| {
                self.expected("=, !=, IN, NOT IN, EXISTS, IS NULL, WITHIN or COVERS")
            })?;
            let low = self.value(&column);
            let low = match low {
                Ok(low) if self.keyword("TO") => low,
                _ => {
                    self.at = position;
                    return Err(self.expected(OPERATORS));
                }
            };
            let high = self.value(&column)?;
            return Ok(Filter::Range { path, low: Some((low, true)), high: Some((high, true)) });
        }
        Err(self.expected(OPERATORS))
    }

    fn column(&mut self) -> Result<Column, FilterError> {
        let Some(Token::Word(name) | Token::Quoted(name)) = self.peek() else {
            return Err(self.expected("a field, NOT or `(`"));
        };
        if name == "kind" {
            self.at += 1;
            return Ok(kind_column());
        }
        let Dialect { catalog, kind, .. } = self.dialect;
        let fits = |column: &&Column| {
            column.filterable
                && kind.is_none_or(|kind| column.kinds.iter().any(|other| **other == *kind))
        };
        match catalog.column(name).filter(fits) {
            Some(column) => {
                let column = column.clone();
                self.at += 1;
                Ok(column)
            }
            None => {
                let known = catalog.columns.values().filter(fits).map(|column| &*column.path);
                let near = nearest(name, known);
                Err(self.expected(match near.first() {
                    Some(near) => format!("a field that can be filtered, such as `{near}`"),
                    None => "a field that can be filtered (see /v1/kinds)".to_string(),
                }))
            }
        }
    }

    fn ordered(&self, column: &Column) -> Result<(), FilterError> {
        match column.field_type {
            FieldType::Date | FieldType::Integer | FieldType::Decimal | FieldType::Money => Ok(()),
            _ => Err(self.expected(format!(
                "=, !=, IN, NOT IN or EXISTS, since `{}` has no order",
                column.path
            ))),
        }
    }

    /// Reads what a column is to be equal to.
    fn equal(&mut self, column: &Column) -> Result<Filter, FilterError> {
        let path = column.path.clone();
        let Values::Counted { today } = self.dialect.values else {
            return Ok(Filter::Equal { path, value: self.value(column)? });
        };
        let Some(Token::Word(text) | Token::Quoted(text)) = self.peek() else {
            return Err(self.expected("a value"));
        };
        let counted = match (&column.vocabulary, column.field_type) {
            (Some(vocabulary), FieldType::Tree) if vocabulary.get(text).is_some() => {
                Some(Filter::Within { path, code: text.clone() })
            }
            _ => bucket(column, text, today),
        };
        match counted {
            Some(counted) => {
                self.at += 1;
                Ok(counted)
            }
            None => Ok(Filter::Equal { path: column.path.clone(), value: self.value(column)? }),
        }
    }

    fn list(&mut self, column: &Column) -> Result<Filter, FilterError> {
        if !self.sign("[") {
            return Err(self.expected("`[`"));
        }
        let (mut values, mut others) = (Vec::new(), Vec::new());
        loop {
            if self.sign("]") {
                break;
            }
            if values.len() + others.len() == MAX_CLAUSES {
                return Err(self.expected(format!("at most {MAX_CLAUSES} values")));
            }
            match self.equal(column)? {
                Filter::Equal { value, .. } => values.push(value),
                other => others.push(other),
            }
            if !self.sign(",") && !matches!(self.peek(), Some(Token::Sign("]"))) {
                return Err(self.expected("`,` or `]`"));
            }
        }
        if others.is_empty() {
            return Ok(Filter::In { path: column.path.clone(), values });
        }
        if !values.is_empty() {
            others.push(Filter::In { path: column.path.clone(), values });
        }
        Ok(Filter::Or(others))
    }

    fn tree(
        &mut self,
        column: &Column,
        within: bool,
        position: usize,
    ) -> Result<Filter, FilterError> {
        let vocabulary = match (&column.vocabulary, column.field_type) {
            (Some(vocabulary), FieldType::Tree) => vocabulary,
            _ => {
                return Err(FilterError {
                    position,
                    expected: format!("=, !=, IN or EXISTS, since `{}` is no tree", column.path),
                    found: (if within { "`WITHIN`" } else { "`COVERS`" }).into(),
                });
            }
        };
        let Some(Token::Word(code) | Token::Quoted(code)) = self.peek().cloned() else {
            return Err(self.expected("a code"));
        };
        let above: Vec<String> = vocabulary.path(&code).map(|entry| entry.code.clone()).collect();
        if above.is_empty() {
            return Err(self.expected(format!("a code of the vocabulary `{}`", vocabulary.name)));
        }
        self.at += 1;
        let path = column.path.clone();
        Ok(if within {
            Filter::Within { path, code }
        } else {
            Filter::Covers { path, codes: above }
        })
    }

    fn value(&mut self, column: &Column) -> Result<Literal, FilterError> {
        let Some(Token::Word(text) | Token::Quoted(text)) = self.peek() else {
            return Err(self.expected("a value"));
        };
        let literal = match column.field_type {
            FieldType::Integer | FieldType::Money => {
                whole(text).map(Literal::Integer).ok_or("a whole number")
            }
            FieldType::Decimal => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Literal::Decimal(number)),
                _ => Err("a number"),
            },
            FieldType::Date => {
                days(text).map(|days| Literal::Integer(days.into())).ok_or("a date as YYYY-MM-DD")
            }
            FieldType::Bool => match text.as_str() {
                "true" | "false" => Ok(Literal::Text(text.clone())),
                _ => Err("true or false"),
            },
            _ => match column.vocabulary.as_deref() {
                Some(vocabulary)
                    if self.dialect.values == Values::Literal && vocabulary.get(text).is_none() =>
                {
                    return Err(self.expected(match vocabulary.by_label(text) {
                        Some(code) => format!("a code: `{code}` stands for that label"),
                        None => format!("a code of the vocabulary `{}`", vocabulary.name),
                    }));
                }
                _ => Ok(Literal::Text(text.clone())),
            },
        };
        match literal {
            Ok(literal) => {
                self.at += 1;
                Ok(literal)
            }
            Err(expected) => Err(self.expected(expected)),
        }
    }
}

/// Reads a whole number, however it is written: `100`, `100.0`, `1e2`.
fn whole(text: &str) -> Option<i64> {
    // Further from 0 not every whole number has a decimal of its own.
    const EXACT: f64 = (1_u64 << 53) as f64;
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
    })
}

/// What the bucket of that key holds; `None` when the column has no such bucket.
fn bucket(column: &Column, key: &str, today: i32) -> Option<Filter> {
    let literal = |number: f64| match column.field_type {
        FieldType::Decimal => Literal::Decimal(number),
        _ => Literal::Integer(number.ceil() as i64),
    };
    let (low, high) = match column.facet.as_ref()? {
        Facet::Ranges { buckets } => {
            let bucket = buckets.iter().find(|bucket| bucket.key == key)?;
            let (from, to) = (bucket.from.map(literal), bucket.to.map(literal));
            (from.map(|from| (from, true)), to.map(|to| (to, false)))
        }
        Facet::RelativeDates { buckets } => {
            let bucket = buckets.iter().find(|bucket| bucket.key == key)?;
            let day = |days: i32| (Literal::Integer((today + days).into()), true);
            (bucket.from_days.map(day), bucket.to_days.map(day))
        }
        Facet::Terms {} | Facet::Tree {} => return None,
    };
    let path = column.path.clone();
    Some(match (&low, &high) {
        (None, None) => Filter::Exists { path },
        _ => Filter::Range { path, low, high },
    })
}

/// The kind is a column that no file declares.
fn kind_column() -> Column {
    Column {
        path: "kind".into(),
        field_type: FieldType::Term,
        label: Label { zh: "类别".into(), en: "Kind".into() },
        vocabulary: None,
        facet: None,
        sortable: false,
        filterable: true,
        deadline: false,
        opening: false,
        multiple: false,
        kinds: Vec::new(),
    }
}

const OPERATORS: &str =
    "an operator: = != > >= < <= TO, IN, NOT IN, EXISTS, IS NULL, IS EMPTY, WITHIN, COVERS";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn catalog() -> Catalog {
        Catalog::open(None).expect("the embedded configuration is good")
    }

    fn refused(text: &str, position: usize, expected: &str) {
        let error = parse(text, &catalog()).expect_err(text);
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.expected.contains(expected), "{text}: {error}");
    }

    #[test]
    fn reads_every_form() {
        let catalog = catalog();
        let path = |name: &str| -> Arc<str> { name.into() };
        let equal = |name: &str, value: &str| Filter::Equal {
            path: path(name),
            value: Literal::Text(value.into()),
        };
        let check = |text: &str, expected: Filter| {
            assert_eq!(parse(text, &catalog), Ok(expected), "{text}");
        };
        check("validity = in_force", equal("validity", "in_force"));
        check("organization = \"青岛 \\\"A\\\"\"", equal("organization", "青岛 \"A\""));
        check("validity != in_force", Filter::Not(Box::new(equal("validity", "in_force"))));
        check(
            "published_on >= 2026-01-01",
            Filter::Range {
                path: path("published_on"),
                low: Some((Literal::Integer(20_454), true)),
                high: None,
            },
        );
        check(
            "budget_yuan 1 TO 2",
            Filter::Range {
                path: path("budget_yuan"),
                low: Some((Literal::Integer(1), true)),
                high: Some((Literal::Integer(2), true)),
            },
        );
        check("windows.closes exists", Filter::Exists { path: path("windows.closes") });
        check(
            "windows.closes IS NULL",
            Filter::Not(Box::new(Filter::Exists { path: path("windows.closes") })),
        );
        check(
            "level not in [district,\"zone\"]",
            Filter::Not(Box::new(Filter::In {
                path: path("level"),
                values: vec![Literal::Text("district".into()), Literal::Text("zone".into())],
            })),
        );
        check(
            "applies_to COVERS 370212",
            Filter::Covers {
                path: path("applies_to"),
                codes: ["370212", "370200", "370000", "000000"].map(String::from).to_vec(),
            },
        );
        check(
            "NOT (level = zone OR level = district) AND division_code WITHIN 370200",
            Filter::And(vec![
                Filter::Not(Box::new(Filter::Or(vec![
                    equal("level", "zone"),
                    equal("level", "district"),
                ]))),
                Filter::Within { path: path("division_code"), code: "370200".into() },
            ]),
        );
    }

    #[test]
    fn reads_what_other_clients_write() {
        let catalog = catalog();
        let same = |text: &str, other: &str| {
            assert_eq!(parse(text, &catalog), parse(other, &catalog), "{text}");
            assert!(parse(text, &catalog).is_ok(), "{text}");
        };
        same("\"level\"=\"zone\"", "level = zone");
        same("'windows.closes' IS EMPTY", "windows.closes IS NULL");
        same("windows.closes IS NOT EMPTY", "windows.closes EXISTS");
        same("level IN [zone,]", "level IN [zone]");
        same("budget_yuan > 1e6", "budget_yuan > 1000000");
        same("budget_yuan > 5.0", "budget_yuan > 5");
        let none = Filter::In { path: "level".into(), values: Vec::new() };
        assert_eq!(parse("level IN []", &catalog), Ok(none));
    }

    #[test]
    fn a_counted_value_is_what_its_facet_counts() {
        let catalog = catalog();
        // Of no kind that states an official number, which the last line is about.
        let kind = &*catalog.column("progress").expect("a declared field").kinds[0];
        let counted = |text: &str| {
            let values = Values::Counted { today: 20_000 };
            parse_in(text, Dialect { catalog: &catalog, kind: Some(kind), values })
        };
        let range = |name: &str, low: Option<(i64, bool)>, high: Option<(i64, bool)>| {
            let end = |end: Option<(i64, bool)>| end.map(|(at, with)| (Literal::Integer(at), with));
            Ok(Filter::Range { path: name.into(), low: end(low), high: end(high) })
        };
        let within = Filter::Within { path: "division_code".into(), code: "370200".into() };
        assert_eq!(counted("division_code = 370200"), Ok(within.clone()));
        assert_eq!(counted("division_code != 370200"), Ok(Filter::Not(Box::new(within.clone()))));
        let elsewhere =
            Filter::In { path: "division_code".into(), values: vec![Literal::Text("0532".into())] };
        assert_eq!(
            counted("division_code IN [0532, 370200]"),
            Ok(Filter::Or(vec![within, elsewhere]))
        );
        assert_eq!(
            counted("budget_yuan = from_10w"),
            range("budget_yuan", Some((100_000, true)), Some((500_000, false)))
        );
        assert_eq!(
            counted("published_on = past_7d"),
            range("published_on", Some((19_993, true)), Some((20_000, true)))
        );
        let unknown =
            Filter::Equal { path: "progress".into(), value: Literal::Text("nothing".into()) };
        assert_eq!(counted("progress = nothing"), Ok(unknown));
        let error = counted("document_number = x").expect_err("a column of another kind");
        assert!(error.expected.contains("a field that can be filtered"), "{error}");
    }

    #[test]
    fn says_where_and_what() {
        refused("", 0, "a field");
        refused("级别 = 1", 0, "a field that can be filtered");
        refused("levle = zone", 0, "`level`");
        refused("level", 5, "an operator");
        refused("budget_yuan ~ 5", 12, "an operator");
        refused("level > zone", 6, "no order");
        refused("level = ", 8, "a value");
        refused("published_on > 2026-02-30", 15, "YYYY-MM-DD");
        refused("budget_yuan > 1万", 14, "a whole number");
        refused("level IN [zone", 14, "`,` or `]`");
        refused("level = zone level = zone", 13, "AND, OR or the end");
        refused("(level = zone", 13, "`)`");
        refused("level WITHIN zone", 6, "no tree");
        refused("division_code WITHIN 青岛", 21, "a code of the vocabulary");
        refused("level = \"zone", 8, "a closing \"");
        refused(&"(".repeat(40), 32, "at most 32 levels");
        refused(&"NOT ".repeat(10_000), 4_096, "at most 4096 characters");
        refused("contact.phone = 1", 0, "a field that can be filtered");
        refused("level != nope", 9, "a code of the vocabulary");
        refused("level IN [zone, 国家级]", 16, "`national` stands for that label");
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-z_.]{0,8}( (=|!=|>=|IN|NOT|TO|EXISTS|\\[|\\]|\\(|\\)|,|\"|中|1|2026-01-01)){0,12}") {
            let catalog = catalog();
            if let Err(error) = parse(&text, &catalog) {
                prop_assert!(error.position <= text.chars().count());
            }
        }
    }
}
