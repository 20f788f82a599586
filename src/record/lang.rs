//! The languages that the service speaks.

use super::kind::Label;

/// A language of pages and answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    #[default]
    Zh,
    En,
}

impl Lang {
    /// Reads the value of `lang` in an address.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "zh" | "zh-CN" | "zh-Hans" => Some(Lang::Zh),
            "en" => Some(Lang::En),
            _ => None,
        }
    }

    /// Reads the value of `Accept-Language`: the one of our languages with the greatest weight; Chinese when it names
    /// neither.
    pub fn accepted(header: &str) -> Self {
        let mut best = (Lang::Zh, 0.0);
        for entry in header.split(',') {
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

    /// The value of `lang` in an address.
    pub fn name(self) -> &'static str {
        match self {
            Lang::Zh => "zh",
            Lang::En => "en",
        }
    }

    /// The value of the attribute `lang` of a page, and of `Content-Language`.
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

    /// The text of this language; Chinese where there is no English.
    pub fn pick(self, label: &Label) -> &str {
        match self {
            Lang::En if !label.en.is_empty() => &label.en,
            _ => &label.zh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_preferred_language() {
        fn check(accepted: &str, expected: Lang) {
            assert_eq!(Lang::accepted(accepted), expected, "{accepted}");
        }
        check("", Lang::Zh);
        check("zh-CN,zh;q=0.9,en;q=0.8", Lang::Zh);
        check("en-US,en;q=0.9", Lang::En);
        check("en;q=0.3, zh;q=0.5", Lang::Zh);
        check("de, en;q=0.5", Lang::En);
        check("fr", Lang::Zh);
        check("en;q=abc;;,,;", Lang::En);
        check("*", Lang::Zh);
    }
}
