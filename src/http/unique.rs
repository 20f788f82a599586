//! JSON in which every object names each of its members once.
//!
//! What a name given twice means is left open by RFC 8259, and readers differ: one party would check what another does
//! not see.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why bytes are no value.
#[derive(Debug)]
pub enum NoValue {
    Json(serde_json::Error),
    /// JSON pointer to a member that stands twice.
    Twice(String),
}

/// Reads one value.
pub fn value(bytes: &[u8]) -> Result<Value, NoValue> {
    let twice = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed { place: None, twice: &twice };
    match seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(error) => Err(match twice.take() {
            Some(pointer) => NoValue::Twice(pointer),
            None => NoValue::Json(error),
        }),
    }
}

/// Where a value stands; on the stack, so that nothing is spent on it while all is well.
#[derive(Clone, Copy)]
struct Place<'a> {
    above: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        let above = self.above.map(Place::pointer).unwrap_or_default();
        match self.step {
            Step::Member(name) => {
                let name: String = name.chars().take(80).collect();
                format!("{above}/{}", name.replace('~', "~0").replace('/', "~1"))
            }
            Step::Item(at) => format!("{above}/{at}"),
        }
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    place: Option<&'a Place<'a>>,
    twice: &'a RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            let place = Place { above: self.place, step: Step::Item(values.len()) };
            match items.next_element_seed(Seed { place: Some(&place), ..self })? {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let place = Place { above: self.place, step: Step::Member(&name) };
            if object.contains_key(&name) {
                self.twice.replace(Some(place.pointer()));
                return Err(A::Error::custom("a member is given twice"));
            }
            let value = members.next_value_seed(Seed { place: Some(&place), ..self })?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_the_member_that_stands_twice() {
        let check = |json: &str, pointer: &str| match value(json.as_bytes()) {
            Err(NoValue::Twice(found)) => assert_eq!(found, pointer, "{json}"),
            other => panic!("{json}: {other:?}"),
        };
        check(r#"{"a":1,"a":1}"#, "/a");
        check(r#"{"a":{"b":[1,{"c":1,"d":2,"c":null}]}}"#, "/a/b/1/c");
        check(r#"{"a":1,"\u0061":2}"#, "/a");
        check(r#"[{"x/y~z":1,"x/y~z":2}]"#, "/0/x~1y~0z");
        assert!(value(br#"[{"a":1},{"a":1,"b":{"a":1}}]"#).is_ok());
        for broken in ["", "{", "{\"a\":1}x", "{\"a\":1,}", "[1,]", "nul", "1e999", "\"\\ud800\""] {
            assert!(matches!(value(broken.as_bytes()), Err(NoValue::Json(_))), "{broken}");
        }
        let deep = "[".repeat(5_000);
        assert!(matches!(value(deep.as_bytes()), Err(NoValue::Json(_))));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_reads(json in json()) {
            let text = json.to_string();
            let expected: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(value(text.as_bytes()).unwrap(), expected);
        }
    }
}
