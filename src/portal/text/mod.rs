//! Every text of the pages, in both languages: a text that is missing in one does not compile.
//!
//! Templates hold no text of their own; a catalog a group of pages keeps them near what they are about.

use axum::http::{HeaderMap, header};

use crate::record::kind::Label;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    #[default]
    Zh,
    En,
}

impl Lang {
    /// Reads the value of `?lang=`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "zh" | "zh-CN" | "zh-Hans" => Some(Lang::Zh),
            "en" => Some(Lang::En),
            _ => None,
        }
    }

    /// Reads `Accept-Language`: the one of our languages with the greatest weight; Chinese when it names neither.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut best = (Lang::Zh, 0.0);
        for entry in accepted.unwrap_or_default().split(',') {
            let mut parts = entry.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight =
                parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            let lang = match tag.split('-').next() {
                Some("zh") => Lang::Zh,
                Some("en") => Lang::En,
                _ => continue,
            };
            if weight > best.1 {
                best = (lang, weight);
            }
        }
        best.0
    }

    /// The value of `?lang=`.
    pub fn name(self) -> &'static str {
        match self {
            Lang::Zh => "zh",
            Lang::En => "en",
        }
    }

    /// The value of the attribute `lang`.
    pub fn tag(self) -> &'static str {
        match self {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Lang::Zh => Lang::En,
            Lang::En => Lang::Zh,
        }
    }

    pub fn texts(self) -> &'static Texts {
        Texts::of(self)
    }

    pub fn pick(self, label: &Label) -> &str {
        match self {
            Lang::En if !label.en.is_empty() => &label.en,
            _ => &label.zh,
        }
    }
}

/// Declares a catalog of texts: name, type, Chinese, English. A text with a hole is a function.
macro_rules! texts {
    ($catalog:ident; $($name:ident: $type:ty = $zh:expr, $en:expr;)*) => {
        /// The texts of one language.
        pub struct $catalog { $(pub $name: $type),* }

        impl $catalog {
            pub fn of(lang: $crate::portal::text::Lang) -> &'static Self {
                static ZH: $catalog = $catalog { $($name: $zh),* };
                static EN: $catalog = $catalog { $($name: $en),* };
                match lang {
                    $crate::portal::text::Lang::Zh => &ZH,
                    $crate::portal::text::Lang::En => &EN,
                }
            }
        }
    };
}

mod admin;
mod charts;
mod check;
mod common;
mod forms;
mod help;
mod integrators;

pub use admin::AdminTexts;
pub use charts::ChartTexts;
pub use check::CheckTexts;
pub use common::Texts;
pub use forms::FormTexts;
pub use help::HelpTexts;
pub use integrators::IntegratorTexts;

type Text = &'static str;
type Count = fn(u64) -> String;
type With = fn(&str) -> String;

/// Prints a number with a comma between groups of three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_preferred_language() {
        fn check(accepted: &str, expected: Lang) {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            assert_eq!(Lang::accepted(&headers), expected, "{accepted}");
        }
        assert_eq!(Lang::accepted(&HeaderMap::new()), Lang::Zh);
        check("zh-CN,zh;q=0.9,en;q=0.8", Lang::Zh);
        check("en-US,en;q=0.9", Lang::En);
        check("en;q=0.3, zh;q=0.5", Lang::Zh);
        check("de, en;q=0.5", Lang::En);
        check("fr", Lang::Zh);
        check("en;q=abc;;,,;", Lang::En);
        check("*", Lang::Zh);
    }

    #[test]
    fn groups_digits() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), expected);
        }
    }
}
