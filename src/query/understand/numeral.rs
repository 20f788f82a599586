//! Numbers at the beginning of normalized text, in digits or in 汉字.

/// Reads a number: `50`, `0.5`, `三`, `十二`, `一百二十`, `半`. Returns it and its length in bytes.
///
/// Numbers in 汉字 go below ten thousand; 万 and 亿 belong to what follows.
pub fn number(text: &str) -> Option<(f64, usize)> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let mut end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        if let Some(rest) = text[end..].strip_prefix('.') {
            let decimals = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            if decimals > 0 {
                end += 1 + decimals;
            }
        }
        // Longer numbers are codes.
        return (end <= 12).then(|| text[..end].parse().ok().map(|value| (value, end)))?;
    }
    if text.starts_with('半') {
        return Some((0.5, '半'.len_utf8()));
    }
    let (mut total, mut digit, mut end) = (0.0, None, 0);
    for (at, c) in text.char_indices() {
        match (value(c), unit(c)) {
            (Some(value), _) if digit.is_none() => digit = Some(value),
            (None, Some(unit)) if digit.is_some() || (unit == 10.0 && at == 0) => {
                total += digit.take().unwrap_or(1.0) * unit;
            }
            _ => break,
        }
        end = at + c.len_utf8();
    }
    (end > 0).then_some((total + digit.unwrap_or(0.0), end))
}

/// Reads a whole number of one to `most` digits that no further digit follows.
pub fn digits(text: &str, most: usize) -> Option<(u32, usize)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (1..=most).contains(&end).then(|| text[..end].parse().ok().map(|value| (value, end)))?
}

fn value(c: char) -> Option<f64> {
    Some(match c {
        '一' => 1.0,
        '二' | '两' => 2.0,
        '三' => 3.0,
        '四' => 4.0,
        '五' => 5.0,
        '六' => 6.0,
        '七' => 7.0,
        '八' => 8.0,
        '九' => 9.0,
        _ => return None,
    })
}

fn unit(c: char) -> Option<f64> {
    Some(match c {
        '十' => 10.0,
        '百' => 100.0,
        '千' => 1_000.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers() {
        let check = |text: &str, expected: Option<(f64, &str)>| {
            let read = number(text).map(|(value, end)| (value, &text[end..]));
            assert_eq!(read, expected, "{text}");
        };
        check("50万", Some((50.0, "万")));
        check("0.5亿", Some((0.5, "亿")));
        check("5.", Some((5.0, ".")));
        check("三个月", Some((3.0, "个月")));
        check("十二个月", Some((12.0, "个月")));
        check("二十", Some((20.0, "")));
        check("一百二十万", Some((120.0, "万")));
        check("两千万", Some((2_000.0, "万")));
        check("半年", Some((0.5, "年")));
        check("一三", Some((1.0, "三")));
        check("万", None);
        check("月", None);
        check("1234567890123", None);
    }
}
