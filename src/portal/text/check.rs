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
    checked: With = |day| format!("条件核对于 {day}"), |day| format!("Conditions checked {day}");
    next_questions: Text = "再答几题，可以确定更多", "A few more answers would decide more";
    decides: Count = |n| format!("可确定 {n} 项"), |n| format!("decides {n}");
    best_set: Text = "可以同时享受的组合", "What can be had together";
    best_total: With = |sum| format!("合计预计 {sum}"), |sum| format!("in all {sum}");
    not_together: Text = "不可同时享受", "Not together";
    excluded: Text = "未参与对照", "Left out";
    more: Count = |n| format!("另有 {n} 项未展开"), |n| format!("{n} more");
    disclaimer: Text =
        "结果供参考，以主管部门认定为准。",
        "For orientation only; the competent authority decides.";
    as_of: With = |day| format!("按 {day} 的规则计算"), |day| format!("By the rules of {day}");
}
