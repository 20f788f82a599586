//! The words and signs that say what a number is: bounds, what stands between, and where names begin and end.

/// What a word says of the number beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    AtLeast,
    MoreThan,
    AtMost,
    LessThan,
    About,
}

use Relation::{About, AtLeast, AtMost, LessThan, MoreThan};

/// Words before a number; longer ones before those that they end with.
pub(super) const BEFORE: [(&str, Relation); 46] = [
    ("大于或等于", AtLeast),
    ("小于或等于", AtMost),
    ("大于等于", AtLeast),
    ("小于等于", AtMost),
    ("不得低于", AtLeast),
    ("不得少于", AtLeast),
    ("不得高于", AtMost),
    ("不得超过", AtMost),
    ("不得大于", AtMost),
    ("不能超过", AtMost),
    ("不能低于", AtLeast),
    ("不低于", AtLeast),
    ("不少于", AtLeast),
    ("不小于", AtLeast),
    ("不超过", AtMost),
    ("不高于", AtMost),
    ("不大于", AtMost),
    ("不多于", AtMost),
    ("不超出", AtMost),
    ("控制在", AtMost),
    ("提高到", AtLeast),
    ("提升到", AtLeast),
    ("提升至", AtLeast),
    ("提高至", AtLeast),
    ("降低到", AtMost),
    ("降低至", AtMost),
    ("下降到", AtMost),
    ("减少到", AtMost),
    ("达到", AtLeast),
    ("可达", AtLeast),
    ("高达", AtLeast),
    ("至少", AtLeast),
    ("至多", AtMost),
    ("降至", AtMost),
    ("大于", MoreThan),
    ("超过", MoreThan),
    ("高于", MoreThan),
    ("多于", MoreThan),
    ("突破", MoreThan),
    ("小于", LessThan),
    ("低于", LessThan),
    ("少于", LessThan),
    ("不足", LessThan),
    ("大约", About),
    ("约", About),
    ("达", AtLeast),
];

/// Signs before a number.
pub(super) const SIGNS: [(&str, Relation); 13] = [
    (">=", AtLeast),
    ("=>", AtLeast),
    ("<=", AtMost),
    ("=<", AtMost),
    ("≥", AtLeast),
    ("≧", AtLeast),
    ("⩾", AtLeast),
    ("≤", AtMost),
    ("≦", AtMost),
    ("⩽", AtMost),
    (">", MoreThan),
    ("<", LessThan),
    ("≈", About),
];

/// Words behind a number and its unit.
pub(super) const BEHIND: [(&str, Relation); 15] = [
    ("及以上", AtLeast),
    ("或以上", AtLeast),
    ("以上", AtLeast),
    ("及以下", AtMost),
    ("或以下", AtMost),
    ("以下", AtMost),
    ("以内", AtMost),
    ("之内", AtMost),
    ("左右", About),
    ("上下", About),
    ("起步", AtLeast),
    ("多", MoreThan),
    ("余", MoreThan),
    ("内", AtMost),
    ("起", AtLeast),
];

/// What may stand between a name and its number and says nothing.
pub(super) const FILLERS: [&str; 14] =
    ["应", "需", "须", "要求", "能够", "可以", "在", "为", "是", "到", "至", ":", "=", "可"];
/// What a name does not begin with.
pub(super) const LEADS: [&str; 33] = [
    "其中", "并且", "同时", "以及", "要求", "使得", "实现", "保证", "确保", "能够", "可以", "满足",
    "具有", "分别", "结果", "首先", "其", "且", "和", "与", "及", "使", "可", "则", "并", "将",
    "的", "当", "在", "从", "但", "较", "约",
];
/// Ends of names of differences: a temperature that rises by 2 ℃ does not rise to 275 K.
pub(super) const DIFFERENCES: [&str; 18] = [
    "上升", "下降", "升高", "降低", "提高", "增加", "减少", "变化", "波动", "相差", "温差", "温升",
    "偏差", "误差", "升了", "降了", "低了", "高了",
];
/// Last characters of what is counted without a unit: 附件1-3 is none, pH值6-9 is.
pub(super) const MEASURES: &str = "值比度数率量系";
/// Where a name ends, looking back.
pub(super) const STOPS: &str = "，。；;,!！?？\n、|";
pub(super) const MULTIPLIERS: [(&str, f64); 6] =
    [("万亿", 1e12), ("千万", 1e7), ("百万", 1e6), ("十万", 1e5), ("亿", 1e8), ("万", 1e4)];
pub(super) const JOINERS: [&str; 7] = ["~", "-", "—", "–", "到", "至", "÷"];
