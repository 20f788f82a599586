//! What stands around every chart, and the charts that everybody sees.

use super::Text;

texts! {
    ChartTexts;
    table: Text = "查看数据表", "Show as a table";
    nothing_yet: Text = "还没有数据。", "No data yet.";
    colon: Text = "：", ": ";
    unmet: Text = "有需无供", "Asked for, not offered";
    unused: Text = "有供无需", "Offered, not asked for";
    both: Text = "两者都有", "Both";

    overview: Text = "数据一览", "Records by kind";
    overview_text: Text = "各类别已公开的记录数。", "Public records of each kind.";
    kind: Text = "类别", "Kind";
    records: Text = "记录数", "Records";
    by_month: Text = "近十二个月发布", "Published in the last twelve months";
    by_month_text: Text =
        "按发布日期统计的已公开记录，全部类别；未写发布日期的不计。",
        "Public records of all kinds by their day of publication; those without one are left out.";
    month: Text = "月份", "Month";
    closing: Text = "截止日历", "Deadlines ahead";
    closing_text: Text =
        "今后十二周每周有截止日期的事项数，各类别合计；同一事项有几个批次的，在每个批次的那一周各计一次。",
        "What has a deadline in each of the next twelve weeks, all kinds; of several dates each counts in its week.";
    week: Text = "周（起始日）", "Week from";
    items: Text = "事项数", "Items";
}
