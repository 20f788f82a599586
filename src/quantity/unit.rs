//! Units of measurement in their Chinese and their international spellings.

use std::collections::HashMap;

/// Powers of the base units, by their places in the table; no power is 0, and places rise.
///
/// Only quantities of the same dimension can be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dimension(Vec<(u16, i8)>);

impl Dimension {
    pub(super) fn base(place: u16) -> Self {
        Self(vec![(place, 1)])
    }

    /// A plain number, or a proportion.
    pub fn is_number(&self) -> bool {
        self.0.is_empty()
    }

    fn times(&self, other: &Self, power: i8) -> Self {
        let mut powers: Vec<(u16, i8)> = self.0.clone();
        for &(place, exponent) in &other.0 {
            match powers.iter_mut().find(|(known, _)| *known == place) {
                Some((_, sum)) => *sum = sum.saturating_add(exponent.saturating_mul(power)),
                None => powers.push((place, exponent.saturating_mul(power))),
            }
        }
        powers.retain(|(_, exponent)| *exponent != 0);
        powers.sort_unstable();
        Self(powers)
    }
}

/// A unit: value in base units = value × `factor` + `zero`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unit {
    pub dimension: Dimension,
    pub factor: f64,
    pub zero: f64,
}

impl Unit {
    /// That of plain numbers.
    pub fn none() -> Self {
        Self { dimension: Dimension::default(), factor: 1.0, zero: 0.0 }
    }

    /// Converts a value of this unit to the base units of its dimension.
    pub fn to_base(&self, value: f64) -> f64 {
        value * self.factor + self.zero
    }

    /// Converts a value in base units to this unit.
    pub fn of_base(&self, value: f64) -> f64 {
        (value - self.zero) / self.factor
    }

    /// The unit of differences: 10 K is a difference of 10 ℃.
    pub fn of_differences(self) -> Self {
        Self { zero: 0.0, ..self }
    }

    /// The product with a power of another unit. A scale that begins elsewhere begins at 0 in a product.
    pub(super) fn times(&self, other: &Self, power: i8) -> Self {
        Self {
            dimension: self.dimension.times(&other.dimension, power),
            factor: self.factor * other.factor.powi(power.into()),
            zero: 0.0,
        }
    }
}

/// A spelling of a unit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Symbol {
    pub(super) text: Vec<char>,
    pub(super) unit: Unit,
    /// Characters behind which the symbol is none.
    pub(super) not_before: Vec<char>,
}

/// SI prefixes, and the usual misspellings of two of them.
pub(super) const PREFIXES: [(&str, f64); 12] = [
    ("T", 1e12),
    ("G", 1e9),
    ("M", 1e6),
    ("k", 1e3),
    ("K", 1e3),
    ("h", 1e2),
    ("d", 1e-1),
    ("c", 1e-2),
    ("m", 1e-3),
    ("μ", 1e-6),
    ("n", 1e-9),
    ("p", 1e-12),
];

/// Every known unit by its spellings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Units {
    /// By first character, the longest first.
    symbols: HashMap<char, Vec<Symbol>>,
    /// That of 年: a year is written like an amount of them.
    pub(super) years: Option<Dimension>,
}

impl Units {
    /// Takes a spelling in; `false` when it is known, which changes nothing.
    pub(super) fn add(&mut self, symbol: Symbol) -> bool {
        let Some(&first) = symbol.text.first() else { return false };
        let known = self.symbols.entry(first).or_default();
        if known.iter().any(|other| other.text == symbol.text) {
            return false;
        }
        let at = known.partition_point(|other| other.text.len() >= symbol.text.len());
        known.insert(at, symbol);
        true
    }

    /// Reads a whole text as a unit: `kN/m²`, `W/(m·K)`, `立方米/天`.
    pub fn parse(&self, text: &str) -> Option<Unit> {
        let chars: Vec<char> = text.trim().chars().map(super::parse::plain).collect();
        if chars.is_empty() {
            return Some(Unit::none());
        }
        self.prefix(&chars).filter(|(_, length)| *length == chars.len()).map(|(unit, _)| unit)
    }

    /// Reads the unit that a text begins with; returns it with its length. The longest spelling wins.
    pub(super) fn prefix(&self, text: &[char]) -> Option<(Unit, usize)> {
        let (mut unit, mut length) = match text.first() {
            // `/s`, in the table.
            Some('/') => (Unit::none(), 0),
            _ => self.power(text)?,
        };
        while let Some(sign) = text.get(length) {
            let power = match sign {
                '/' | '每' => -1,
                '·' | '•' | '*' | '.' | '⋅' => 1,
                _ => break,
            };
            let rest = &text[length + 1..];
            let divisor =
                || self.bracket(rest).or_else(|| self.counted(rest)).filter(|_| power < 0);
            let Some((factor, taken)) = divisor().or_else(|| self.power(rest)) else { break };
            unit = unit.times(&factor, power);
            length += 1 + taken;
        }
        (length > 0).then_some((unit, length))
    }

    /// `(m·K)`
    fn bracket(&self, text: &[char]) -> Option<(Unit, usize)> {
        let inner = text.strip_prefix(&['('])?;
        let (unit, length) = self.prefix(inner)?;
        (inner.get(length) == Some(&')')).then_some((unit, length + 2))
    }

    /// `100g`
    fn counted(&self, text: &[char]) -> Option<(Unit, usize)> {
        let length = text.iter().take(4).take_while(|ch| ch.is_ascii_digit()).count();
        let count: f64 = text[..length].iter().collect::<String>().parse().ok()?;
        let (unit, taken) = self.power(&text[length..])?;
        let unit = Unit { factor: unit.factor * count, ..unit };
        (count > 0.0).then_some((unit, length + taken))
    }

    /// A symbol and its power: `m`, `m²`, `m^3`, `s-1`.
    fn power(&self, text: &[char]) -> Option<(Unit, usize)> {
        let known = self.symbols.get(text.first()?)?;
        let fits = |symbol: &&Symbol| text.starts_with(&symbol.text);
        known.iter().filter(fits).find_map(|symbol| {
            let (power, taken) = exponent(&text[symbol.text.len()..]);
            let length = symbol.text.len() + taken;
            let next = text.get(length);
            if next.is_some_and(|next| symbol.not_before.contains(next)) {
                return None;
            }
            // A letter after a Latin symbol makes it another word: `mass` is no metre.
            let is_latin = symbol.text.last().is_some_and(char::is_ascii_alphabetic);
            if is_latin && next.is_some_and(char::is_ascii_alphanumeric) {
                return None;
            }
            let unit = match power {
                1 => symbol.unit.clone(),
                power => Unit::none().times(&symbol.unit, power),
            };
            Some((unit, length))
        })
    }
}

/// Reads a power; 1 and no length where there is none.
fn exponent(text: &[char]) -> (i8, usize) {
    let digit = |at: usize| match text.get(at)? {
        '1' => Some(1),
        '2' => Some(2),
        '3' => Some(3),
        _ => None,
    };
    let ends = |at: usize| !text.get(at).is_some_and(|ch| ch.is_ascii_alphanumeric() || *ch == '.');
    match text {
        ['²', ..] => (2, 1),
        ['³', ..] => (3, 1),
        ['⁻', '¹', ..] => (-1, 2),
        ['⁻', '²', ..] => (-2, 2),
        ['⁻', '³', ..] => (-3, 2),
        ['^', '-', ..] => digit(2).map_or((1, 0), |power: i8| (-power, 3)),
        ['^', ..] => digit(1).map_or((1, 0), |power| (power, 2)),
        ['-', ..] if ends(2) => digit(1).map_or((1, 0), |power: i8| (-power, 2)),
        ['2', ..] if ends(1) => (2, 1),
        ['3', ..] if ends(1) => (3, 1),
        _ => (1, 0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quantity::test_units;

    fn unit(text: &str) -> Unit {
        test_units().parse(text).unwrap_or_else(|| panic!("{text} is a unit"))
    }

    #[test]
    fn spellings_of_one_value_are_one_value() {
        let check = |left: (f64, &str), right: (f64, &str)| {
            let [a, b] = [left, right].map(|(value, text)| {
                let unit = unit(text);
                (unit.to_base(value), unit.dimension)
            });
            assert!(
                (a.0 - b.0).abs() <= 1e-9 * a.0.abs().max(1e-30),
                "{left:?} {right:?}: {a:?} {b:?}"
            );
            assert_eq!(a.1, b.1, "{left:?} {right:?}");
        };
        check((1.38, "MPa"), (1_380.0, "kPa"));
        check((1.0, "兆帕"), (10.0, "bar"));
        check((1.0, "N/mm²"), (1.0, "MPa"));
        check((0.03, "mm"), (30.0, "μm"));
        check((1.0, "kN/m²"), (1.0, "kPa"));
        check((34.0, "m³/d"), (34.0, "立方米/天"));
        check((1.0, "W/(m·K)"), (1.0, "W/m/K"));
        check((1.0, "kWh"), (3.6, "MJ"));
        check((60.0, "r/min"), (60.0, "rpm"));
        check((1.0, "t/h"), (24.0, "吨/天"));
        check((1.0, "mg/L"), (1.0, "g/m3"));
        check((25.0, "℃"), (298.15, "K"));
        check((1.0, "℃/min"), (60.0, "K/h"));
        check((99.8, "%"), (0.998e6, "ppm"));
        check((1.0, "公顷"), (15.0, "亩"));
        check((1.0, "Ah"), (1_000.0, "mAh"));
        check((8.0, "µA"), (8e-3, "mA"));
        check((1.0, "Ω·cm"), (0.01, "Ω·m"));
        check((1.0, "F"), (1.0, "A s/V".replace(' ', "·").as_str()));
        check((3.0, "m·s⁻¹"), (3.0, "m/s"));
        check((1.0, "MB/s"), (8.0, "Mbps"));
        check((2.0, ""), (200.0, "%"));
        check((50.0, "mL/100g"), (0.5, "L/kg"));
    }

    #[test]
    fn what_is_no_unit_is_none() {
        for text in ["mass", "MPaX", "的", "()", "m²²", "x", "/", "/mass", "克隆"] {
            assert_eq!(test_units().parse(text), None, "{text}");
        }
        for (one, other) in [("dB", "%"), ("倍", "%"), ("N·m", "N/m"), ("个", "台"), ("r/s", "Hz")]
        {
            assert_ne!(unit(one).dimension, unit(other).dimension, "{one} {other}");
        }
    }

    fn any_unit() -> impl Strategy<Value = String> {
        let mut symbols: Vec<String> = test_units()
            .symbols
            .values()
            .flatten()
            .map(|symbol| symbol.text.iter().collect())
            .collect();
        symbols.sort();
        let plain = || {
            prop::sample::select(vec!["m", "mm", "kg", "g", "s", "h", "W", "kN", "L", "mol", "K"])
        };
        prop_oneof![
            prop::sample::select(symbols),
            (plain(), plain()).prop_map(|(a, b)| format!("{a}/{b}")),
            (plain(), plain(), plain()).prop_map(|(a, b, c)| format!("{a}/({b}·{c})")),
        ]
    }

    proptest! {
        #[test]
        fn conversion_there_and_back_is_the_same(text in any_unit(), value in -1e9..1e9f64) {
            let unit = unit(&text);
            let back = unit.of_base(unit.to_base(value));
            let slack = 1e-9 * value.abs().max(unit.of_base(0.0).abs()).max(1.0);
            prop_assert!((back - value).abs() <= slack, "{text}: {value} {back}");
        }

        #[test]
        fn conversion_keeps_the_order(text in any_unit(), a in -1e6..1e6f64, b in -1e6..1e6f64) {
            prop_assume!((a - b).abs() > 1e-3);
            let unit = unit(&text);
            prop_assert_eq!(a < b, unit.to_base(a) < unit.to_base(b));
        }

        #[test]
        fn a_quotient_times_its_divisor_is_the_dividend(
            a in prop::sample::select(vec!["m", "kg", "W", "kN", "L", "mol"]),
            b in prop::sample::select(vec!["s", "h", "K", "mm", "g"]),
        ) {
            let product = unit(&format!("{a}/{b}")).times(&unit(b), 1);
            prop_assert_eq!(&product.dimension, &unit(a).dimension);
            prop_assert!((product.factor / unit(a).factor - 1.0).abs() < 1e-12);
        }

        #[test]
        fn a_prefix_is_a_factor(
            (prefix, factor) in prop::sample::select(PREFIXES.to_vec()),
            symbol in prop::sample::select(vec!["W", "V", "Pa", "Hz", "eV"]),
            value in 1e-3..1e6f64,
        ) {
            let [with, without] = [format!("{prefix}{symbol}"), symbol.to_owned()].map(|text| unit(&text));
            let ratio = with.to_base(value) / without.to_base(value * factor);
            prop_assert!((ratio - 1.0).abs() < 1e-9);
        }

        #[test]
        fn any_text_is_taken(text in "\\PC{0,20}") {
            let chars: Vec<char> = text.chars().collect();
            if let Some((unit, length)) = test_units().prefix(&chars) {
                prop_assert!(length > 0 && length <= chars.len() && unit.factor > 0.0);
            }
        }
    }
}
