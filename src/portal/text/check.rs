//! The policy check.

use super::{Count, Text, With};

texts! {
    CheckTexts;
    lead: Text =
        "填企业情况，逐条对照每项政策的申报条件。都可以不填：没填的会列为“待补充”。内容只用于这一次计算，不保存。",
        "Describe your enterprise and compare it with every policy, clause by clause. Leave out what you like: it is then “not said”. Nothing is stored.";
    only_one: Text = "只对照这一项政策。", "Against this one policy only.";
    all_of_them: Text = "改为对照全部政策", "Against all policies";
    submit: Text = "开始对照", "Check";
    again: Text = "修改后重新对照", "Check again";
    your_facts: Text = "企业情况", "Your enterprise";
    wrong: Text = "有几项填写需要修改", "Some answers need a change";
    wrong_value: Text = "填写的内容认不出，请写标准名称、代码或数字", "not understood";
    ten_thousand_yuan: Text = "万元", "× ¥10,000";
    year: With = |year| format!("{year} 年"), |year| year.to_owned();
    result: Text = "对照结果", "Result";
    pass: Text = "符合", "Met";
    near: Text = "差一点", "Nearly met";
    unknown: Text = "待补充", "More needed";
    fail: Text = "不符合", "Not met";
    condition_pass: Text = "✓ 符合", "✓ met";
    condition_fail: Text = "✗ 不符合", "✗ not met";
    condition_unknown: Text = "? 待补充", "? not said";
    condition: Text = "条件", "Condition";
    clause: Text = "原文出处", "Clause";
    yours: Text = "您的情况", "Yours";
    verdict: Text = "结论", "Verdict";
    conditions: Count = |n| format!("逐条对照（{n} 条）"), |n| format!("Clause by clause ({n})");
    judged: Text = "需人工判断（不计入结论）", "Judged by people (not counted)";
    amount: Text = "预计金额", "Expected amount";
    at_least: With = |yuan| format!("不低于 {yuan}"), |yuan| format!("at least {yuan}");
    up_to: With = |yuan| format!("最高 {yuan}"), |yuan| format!("up to {yuan}");
    window: Text = "申报时间", "When to apply";
    open_until: fn(&str, &str) -> String =
        |day, left| format!("申报中，{day} 截止（{left}）"),
        |day, left| format!("open until {day} ({left})");
    opens_on: With = |day| format!("{day} 开始"), |day| format!("opens {day}");
    closed: Text = "本批已截止", "closed";
    rolling: Text = "常年受理", "all year";
    wrong_day: Text =
        "按哪一天的规则：请写日期，如 2026-11-23",
        "By the rules of: please give a date such as 2026-11-23";
    which_day: Text = "按哪一天的规则", "By the rules of";
    which_day_help: Text =
        "不填就是今天。填过去的日期，看当时适用什么。",
        "Today when left empty. A day that is past shows what applied then.";
    missing: With = |what| format!("还缺：{what}"), |what| format!("still needed: {what}");
    assumed: Text = "按您的假设", "on your assumption";
    ended_by: With =
        |day| if day.is_empty() { "已被替代：".to_owned() } else { format!("{day} 起被替代：") },
        |day| if day.is_empty() { "Ended by ".to_owned() } else { format!("From {day} on in its place: ") };
    version: With = |number| format!("规则版本 {number}"), |number| format!("Version {number} of its rules");
    days: fn(&str, &str) -> String =
        |from, to| match (from, to) {
            (from, "") => format!("，{from} 起适用"),
            ("", to) => format!("，适用至 {to}"),
            (from, to) => format!("，适用于 {from} 至 {to}"),
        },
        |from, to| match (from, to) {
            (from, "") => format!(", from {from}"),
            ("", to) => format!(", until {to}"),
            (from, to) => format!(", {from} to {to}"),
        };
    checked: With = |day| format!("条件核对于 {day}"), |day| format!("Conditions checked {day}");
    next_questions: Text = "再答几题，可以确定更多", "A few more answers would decide more";
    decides: Count = |n| format!("可确定 {n} 项"), |n| format!("decides {n}");
    best_set: Text = "可以同时享受的组合", "What can be had together";
    approximate: Text =
        "互相排斥的政策太多，这一组合是近似的，不一定最优。",
        "So many exclude each other that this set is an approximation: there may be a better one.";
    cap: fn(&str, &str) -> String =
        |sum, clause| format!("合计最高 {sum}（{clause}）"),
        |sum, clause| format!("together up to {sum} ({clause})");
    not_with: With =
        |title| format!("不能与“{title}”同时享受"),
        |title| format!("not together with \"{title}\"");
    needs_another: Text = "须以另一项为前提", "only together with another one";
    open: Text = "查看", "Show";
    best_total: With = |sum| format!("合计预计 {sum}"), |sum| format!("in all {sum}");
    not_together: Text = "不可同时享受", "Not together";
    excluded: Text = "未参与对照", "Left out";
    more: Count = |n| format!("另有 {n} 项未展开"), |n| format!("{n} more");
    disclaimer: Text =
        "结果供参考，以主管部门认定为准。",
        "For orientation only; the competent authority decides.";
    as_of: With = |day| format!("按 {day} 的规则计算"), |day| format!("By the rules of {day}");
}
