//! Our trees -> tantivy's.

use std::ops::Bound;

use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery,
    ExistsQuery, Occur, PhraseQuery, Query as TantivyQuery, RangeQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::IndexRecordOption;

use super::exclude::excludable;
use super::schema::{ColumnFields, ColumnType, IndexSchema};
use crate::engine::EngineError;
use crate::query::Query;
use crate::query::filter::{Filter, Inclusive, Literal};
use crate::text::code_key;

type Boxed = Box<dyn TantivyQuery>;

/// Lowers the scoring tree.
pub fn query(query: &Query, schema: &IndexSchema) -> Result<Boxed, EngineError> {
    Ok(match query {
        Query::All => unscored(Box::new(AllQuery)),
        Query::Nothing => Box::new(EmptyQuery),
        Query::Term { field, token, boost } => {
            let term = Term::from_field_text(schema.token_field(*field), token);
            if *boost == 0.0 {
                return Ok(unscored(Box::new(TermQuery::new(term, IndexRecordOption::Basic))));
            }
            let term = Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
            if *boost == 1.0 { term } else { Box::new(BoostQuery::new(term, *boost)) }
        }
        Query::Phrase { field, tokens } => {
            let field = schema.token_field(*field);
            match tokens.as_slice() {
                [] => Box::new(EmptyQuery),
                [(_, token)] => unscored(Box::new(TermQuery::new(
                    Term::from_field_text(field, token),
                    IndexRecordOption::Basic,
                ))),
                tokens => unscored(Box::new(PhraseQuery::new_with_offset(
                    tokens
                        .iter()
                        .map(|(at, token)| (*at, Term::from_field_text(field, token)))
                        .collect(),
                ))),
            }
        }
        Query::And(clauses) => match clauses.as_slice() {
            [] => unscored(Box::new(AllQuery)),
            [one] => self::query(one, schema)?,
            many => {
                let mut clauses = Vec::new();
                flatten(many, schema, &mut clauses)?;
                Box::new(BooleanQuery::new(clauses))
            }
        },
        Query::Or { clauses, minimum } => match clauses.as_slice() {
            [one] if *minimum <= 1 => self::query(one, schema)?,
            many => Box::new(BooleanQuery::with_minimum_required_clauses(
                many.iter()
                    .map(|clause| Ok((Occur::Should, self::query(clause, schema)?)))
                    .collect::<Result<_, EngineError>>()?,
                (*minimum).max(1),
            )),
        },
        Query::Best(clauses) => match clauses.as_slice() {
            [one] => self::query(one, schema)?,
            many => Box::new(DisjunctionMaxQuery::new(
                many.iter().map(|clause| self::query(clause, schema)).collect::<Result<_, _>>()?,
            )),
        },
        Query::Filter(filter) => self::filter(filter, schema)?,
        Query::Prefer { keep, wishes, boost } => {
            let mut clauses = vec![(Occur::Must, self::query(keep, schema)?)];
            for wish in wishes {
                let wish = ConstScoreQuery::new(self::query(wish, schema)?, *boost);
                clauses.push((Occur::Should, Box::new(wish)));
            }
            Box::new(BooleanQuery::new(clauses))
        }
        Query::Without { keep, drop } => {
            let mut clauses = vec![(Occur::Must, self::query(keep, schema)?)];
            for clause in drop {
                clauses.push((Occur::MustNot, excludable(self::query(clause, schema)?)));
            }
            Box::new(BooleanQuery::new(clauses))
        }
    })
}

/// One intersection of many lists is faster than an intersection of intersections.
fn flatten(
    all: &[Query],
    schema: &IndexSchema,
    clauses: &mut Vec<(Occur, Boxed)>,
) -> Result<(), EngineError> {
    for clause in all {
        match clause {
            Query::And(inner) if !inner.is_empty() => flatten(inner, schema, clauses)?,
            clause => clauses.push((Occur::Must, query(clause, schema)?)),
        }
    }
    Ok(())
}

/// Lowers a filter; the result scores 0.
pub fn filter(filter: &Filter, schema: &IndexSchema) -> Result<Boxed, EngineError> {
    Ok(unscored(self::condition(filter, schema)?))
}

/// Terms up to which looking each up costs less than making an automaton of them.
const FEW_TERMS: usize = 16;

/// The records that hold any of the terms.
fn any_of(mut terms: Vec<Term>) -> Boxed {
    if terms.len() > FEW_TERMS {
        return Box::new(TermSetQuery::new(terms));
    }
    let one = |term| Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Boxed;
    match terms.len() {
        1 => one(terms.remove(0)),
        _ => Box::new(BooleanQuery::union(terms.into_iter().map(one).collect())),
    }
}

fn condition(filter: &Filter, schema: &IndexSchema) -> Result<Boxed, EngineError> {
    Ok(match filter {
        Filter::Equal { path, value } => {
            let column = column(path, schema)?;
            Box::new(TermQuery::new(term(column, value), IndexRecordOption::Basic))
        }
        Filter::In { path, values } => {
            let column = column(path, schema)?;
            any_of(values.iter().map(|value| term(column, value)).collect())
        }
        Filter::Range { path, low, high } => {
            let column = column(path, schema)?;
            Box::new(RangeQuery::new(bound(column, low), bound(column, high)))
        }
        Filter::Exists { path } => {
            Box::new(ExistsQuery::new(column(path, schema)?.name.clone(), false))
        }
        Filter::Within { path, code } => {
            let column = column(path, schema)?;
            let field = column.above.as_ref().map_or(column.field, |(field, _)| *field);
            Box::new(TermQuery::new(Term::from_field_text(field, code), IndexRecordOption::Basic))
        }
        Filter::Covers { path, codes } => {
            let field = column(path, schema)?.field;
            any_of(codes.iter().map(|code| Term::from_field_text(field, code)).collect())
        }
        Filter::And(all) => joined(all, Occur::Must, schema)?,
        Filter::Or(any) => joined(any, Occur::Should, schema)?,
        Filter::Not(inner) => Box::new(BooleanQuery::new(vec![
            (Occur::Must, Box::new(AllQuery) as Boxed),
            (Occur::MustNot, condition(inner, schema)?),
        ])),
    })
}

fn joined(all: &[Filter], occur: Occur, schema: &IndexSchema) -> Result<Boxed, EngineError> {
    let clauses = all
        .iter()
        .map(|inner| Ok((occur, condition(inner, schema)?)))
        .collect::<Result<_, EngineError>>()?;
    Ok(Box::new(BooleanQuery::new(clauses)))
}

pub fn column<'a>(path: &str, schema: &'a IndexSchema) -> Result<&'a ColumnFields, EngineError> {
    schema
        .columns
        .get(path)
        .ok_or_else(|| EngineError::Unsupported(format!("`{path}` is not a column of the index")))
}

fn term(column: &ColumnFields, value: &Literal) -> Term {
    match (column.column_type, value) {
        (ColumnType::Integer, Literal::Integer(number)) => {
            Term::from_field_i64(column.field, *number)
        }
        (ColumnType::Decimal, Literal::Decimal(number)) => {
            Term::from_field_f64(column.field, *number)
        }
        (_, Literal::Text(text)) if column.is_code => {
            Term::from_field_text(column.field, &code_key(text))
        }
        (_, Literal::Text(text)) => Term::from_field_text(column.field, text),
        // The parser reads a literal by its column's type.
        (_, Literal::Integer(number)) => Term::from_field_text(column.field, &number.to_string()),
        (_, Literal::Decimal(number)) => Term::from_field_text(column.field, &number.to_string()),
    }
}

fn bound(column: &ColumnFields, end: &Option<(Literal, Inclusive)>) -> Bound<Term> {
    match end {
        None => Bound::Unbounded,
        Some((value, true)) => Bound::Included(term(column, value)),
        Some((value, false)) => Bound::Excluded(term(column, value)),
    }
}

fn unscored(query: Boxed) -> Boxed {
    Box::new(ConstScoreQuery::new(query, 0.0))
}
