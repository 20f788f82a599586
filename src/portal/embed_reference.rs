//! What the widgets understand: one table each of attributes, events, parts and properties.

use super::text::{IntegratorTexts, Lang};

/// A table of the reference.
pub struct Group {
    pub element: &'static str,
    pub heading: &'static str,
    pub rows: Vec<(&'static str, &'static str)>,
}

/// Name, Chinese, English.
type Rows = &'static [(&'static str, &'static str, &'static str)];

const SEARCH_ATTRIBUTES: Rows = &[
    ("kind", "限定类别，逗号分隔", "kinds to stay in, separated by commas"),
    ("division", "限定地区：六位行政区划代码", "six-digit division code to stay in"),
    ("lang", "zh-CN 或 en；默认随页面", "zh-CN or en; that of the page by default"),
    ("dir", "rtl 时整个框镜像", "rtl mirrors the box"),
    ("placeholder", "框内提示", "hint inside the box"),
    (
        "results",
        "navigate（默认，转到结果页）或 inline（在框下显示前五条）",
        "navigate (default) or inline: the first five below the box",
    ),
    (
        "action",
        "结果页地址；默认取内部表单的 action",
        "address of the result page; that of the form inside by default",
    ),
    (
        "analytics",
        "off：不上报打开了第几条；浏览器要求不跟踪（DNT、GPC）时一律不报",
        "off: do not tell which result was opened; never told when the browser asks not to track (DNT, GPC)",
    ),
    (
        "slot=\"with\"",
        "写在内部表单上：表单仍显示在框上方，如单选的范围",
        "on the form inside: it stays visible above the box",
    ),
];

const SEARCH_EVENTS: Rows = &[
    ("kechuang:ready", "组件就绪", "the element is ready"),
    ("kechuang:query", "将要取建议；detail.q", "suggestions are about to be asked for; detail.q"),
    ("kechuang:results", "建议已显示；detail.items", "suggestions are shown; detail.items"),
    (
        "kechuang:select *",
        "选中一条；detail.item、detail.position",
        "one was chosen; detail.item, detail.position",
    ),
    (
        "kechuang:submit *",
        "将要检索；detail.q、detail.url",
        "a search is about to happen; detail.q, detail.url",
    ),
    ("kechuang:error", "取不到建议；detail.error", "suggestions could not be had; detail.error"),
];

const SEARCH_PARTS: Rows = &[
    ("form, input, button", "表单、输入框、按钮", "form, input and button"),
    (
        "popup, option, hit, kind",
        "建议列表、一条、命中的字、类别",
        "list, one suggestion, matched letters, kind",
    ),
    (
        "results, result",
        "框下的结果（results=\"inline\"）",
        "results below the box (results=\"inline\")",
    ),
];

const SEARCH_PROPERTIES: Rows = &[
    ("--kechuang-accent", "按钮底色与链接，默认 #0d4f94", "button and links, #0d4f94"),
    ("--kechuang-accent-ink", "按钮文字，默认 #fff", "text on the button, #fff"),
    ("--kechuang-ink, --kechuang-soft", "正文与次要文字", "text and secondary text"),
    ("--kechuang-paper", "框与列表的底色", "ground of box and list"),
    ("--kechuang-border, --kechuang-line", "框线与列表线", "border of the box, of the list"),
    (
        "--kechuang-hit, --kechuang-active",
        "命中的字、当前一条的底色",
        "matched letters, ground of the current one",
    ),
    (
        "--kechuang-radius, --kechuang-height",
        "圆角（6px）、高度（44px）",
        "corners (6px), height (44px)",
    ),
    (
        "--kechuang-font, --kechuang-font-size",
        "字体、字号（默认随浏览器）",
        "font, size (that of the browser)",
    ),
    ("--kechuang-shadow", "列表的阴影", "shadow of the list"),
];

const MATCHES_ATTRIBUTES: Rows = &[
    (
        "src",
        "本服务的地址；默认取脚本的来源",
        "this service; where the script came from by default",
    ),
    ("from, to", "需求的类别、推荐的类别", "kind of the text, kind of what is recommended"),
    (
        "for",
        "页面上文本框的 id：边写边推荐，满 15 字后",
        "id of a text field of the page: recommends while one writes, from 15 characters",
    ),
    ("text", "直接给出文本", "the text itself"),
    ("record", "已收录的记录，如 KIND/ID", "a stored record, KIND/ID"),
    ("limit, lang", "条数（5）、语言", "how many (5), language"),
];

const MATCHES_EVENTS: Rows = &[
    ("kechuang:matches", "推荐已显示；detail.items", "recommendations are shown; detail.items"),
    (
        "kechuang:error",
        "取不到推荐；detail.error",
        "recommendations could not be had; detail.error",
    ),
];

const MATCHES_PARTS: Rows = &[
    ("box, status, list", "整体、说明、列表", "box, status line, list"),
    ("item, link, reason", "一条、标题链接、理由", "one of them, its link, its reasons"),
];

/// Every table, in the order of the page.
pub fn groups(lang: Lang) -> Vec<Group> {
    let t = IntegratorTexts::of(lang);
    let (search, matches) = ("<kechuang-search>", "<kechuang-matches>");
    let tables: [(&'static str, &'static str, Rows); 7] = [
        (search, t.attributes, SEARCH_ATTRIBUTES),
        (search, t.events, SEARCH_EVENTS),
        (search, t.parts, SEARCH_PARTS),
        (search, t.properties, SEARCH_PROPERTIES),
        (matches, t.attributes, MATCHES_ATTRIBUTES),
        (matches, t.events, MATCHES_EVENTS),
        (matches, t.parts, MATCHES_PARTS),
    ];
    let tables = tables.into_iter().map(|(element, heading, rows)| Group {
        element,
        heading,
        rows: rows
            .iter()
            .map(|&(name, zh, en)| (name, if lang == Lang::Zh { zh } else { en }))
            .collect(),
    });
    tables.collect()
}
