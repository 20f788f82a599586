//! Every text of the pages, in both languages: a text that is missing in one does not compile.
//!
//! Templates hold no text of their own; a catalog a group of pages keeps them near what they are about.

pub use crate::record::Lang;

impl Lang {
    pub fn texts(self) -> &'static Texts {
        Texts::of(self)
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
    crate::record::value::grouped(&number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_digits() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), expected);
        }
    }
}
