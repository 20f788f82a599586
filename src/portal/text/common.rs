//! What stands around every page, and the pages for reading: search, records, errors.

use super::{Count, Text, With, grouped};
use crate::portal::form::FORM;
use crate::query::scope::Scope;
use crate::record::SAMPLE_SOURCE;

texts! {
    Texts;
    name: Text = "科创", "Kechuang";
    tagline: Text = "科技政策与技术市场检索", "Search for S&T policy and the technology market";
    about: Text =
        "一处检索，按条件筛选：看清给谁、给多少、什么时候截止，直达原文与联系单位。",
        "One place to search and filter: for whom, how much, until when, with the original text and who is behind it.";
    skip: Text = "跳到主要内容", "Skip to main content";
    other_language: Text = "English", "简体中文";
    main_nav: Text = "主导航", "Main";
    home: Text = "首页", "Home";
    breadcrumb: Text = "当前位置", "You are here";
    developers: Text = "开发者", "Developers";
    search_all: Text = "检索", "Search";
    check: Text = "政策自测", "Policy check";
    data: Text = "开放数据", "Open data";
    embed: Text = "嵌入检索框", "Embed the search box";
    subscribe: Text = "订阅", "Subscribe";
    help: Text = "使用帮助", "Help";
    accessibility: Text = "无障碍声明", "Accessibility statement";
    accessibility_short: Text = "无障碍", "Accessibility";
    sitemap: Text = "网站地图", "Site map";
    footer_nav: Text = "本站", "This site";
    view_nav: Text = "显示与语言", "Display and language";
    large_view: Text = "长者模式", "Large text";
    usual_view: Text = "退出长者模式", "Usual text";
    organizer: Text = "主办单位", "Organizer";
    operator: Text = "承办单位", "Operator";
    contact: Text = "联系方式", "Contact";
    identification_code: Text = "网站标识码", "Site identification code";
    report_error: Text = "网站找错", "Report an error on this site";
    search_in: Text = "检索范围", "Where to search";
    example_demand: Text =
        "寻求海水淡化反渗透膜元件国产替代，稳定脱盐率不低于 99.8 %",
        "寻求海水淡化反渗透膜元件国产替代，稳定脱盐率不低于 99.8 %";
    related_searches: Text = "相关搜索", "Related searches";
    hot: Text = "热搜词", "Often searched";
    task_check: Text = "查政策能不能报", "Which policies apply to us?";
    task_check_text: Text =
        "填企业情况，逐条对照申报条件：符合、差一点、还缺什么。",
        "Describe your enterprise and see, clause by clause, what you meet, nearly meet, or have not said.";
    task_find: With = |kind| format!("找{kind}"), |kind| format!("Find: {kind}");
    contents: Text = "本页内容", "On this page";
    key_points: Text = "要点", "In brief";
    document: Text = "文件信息", "Document";
    print: Text = "打印", "Print";
    address: Text = "网址", "Address";
    export_table: Text = "导出 CSV", "Export as CSV";
    why: Text = "为什么在这里", "Why it is here";
    why_words: Text = "命中", "Found";
    why_also: Text = "同义说法", "Other words for it";
    why_parts: Text = "得分构成", "What the score is made of";
    signal: fn(&str) -> Option<&'static str> = |name| match name {
        "words" => Some("词语匹配"),
        "grams" => Some("相邻字匹配"),
        "chars" => Some("单字匹配"),
        "title" => Some("标题匹配"),
        "keywords" => Some("关键词匹配"),
        "code" => Some("编号匹配"),
        "synonyms" => Some("同义说法匹配"),
        _ => None,
    }, |name| match name {
        "words" => Some("words"),
        "grams" => Some("pairs of characters"),
        "chars" => Some("single characters"),
        "title" => Some("title"),
        "keywords" => Some("keywords"),
        "code" => Some("codes"),
        "synonyms" => Some("other words for it"),
        _ => None,
    };
    share_page: Text = "扫码查看", "Open on a phone";
    share_text: Text = "用手机或微信扫一扫，打开这一页。", "Scan it to open this page on a phone.";
    qr_label: Text = "本页地址的二维码", "QR code of this page’s address";
    add_calendar: Text = "加入日历", "Add to calendar";
    successor: Text = "现行文件", "What holds now";
    successor_from: With = |day| format!("自 {day} 起"), |day| format!("from {day}");
    similar: Text = "相似内容", "Similar";
    check_this: Text = "看看我能不能报", "Does it apply to us?";
    original: Text = "查看原文", "Original text";
    holds_no_more: With =
        |stamp| format!("本文件时效性为“{stamp}”，请勿据此办事。"),
        |stamp| format!("The validity of this document is “{stamp}”. Do not rely on it.");
    search: Text = "搜索", "Search";
    search_label: Text = "输入要找的内容", "What are you looking for?";
    search_hint: Text = "名称、文号、技术、单位……", "A name, document number, technology, organization…";
    search_help: Text =
        "引号内的词须原样出现，减号排除：“首台套” -保险",
        "Words in quotes must occur literally, a minus excludes: “membrane” -import";
    browse_kinds: Text = "按类别浏览", "Browse by kind";
    stated_there: With = |what| format!("（对方：{what}）"), |what| format!("(stated: {what})");
    newest_of: With = |kind| format!("最新{kind}"), |kind| format!("Newest: {kind}");
    more: Text = "更多", "More";
    closing_soon: Text = "即将截止", "Closing soon";
    subscribe_calendar: Text = "订阅日历", "Calendar";
    none_closing: Text = "近期没有即将截止的事项。", "Nothing is about to close.";
    num_records: Count = |n| format!("{} 条", grouped(n)), |n| format!("{} records", grouped(n));
    footer_records: Count = |n| format!("共收录 {} 条记录", grouped(n)), |n| format!("{} records in all", grouped(n));
    footer_updated: With = |day| format!("最近更新 {day}"), |day| format!("last updated {day}");
    footer_sample: Text =
        "标有“示例”的记录用于演示，不能作为办事依据。",
        "Records marked “sample” are for demonstration and are not to be relied on.";

    found: Count = |n| format!("找到 {} 条结果", grouped(n)), |n| match n {
        1 => "1 result".into(),
        n => format!("{} results", grouped(n)),
    };
    results: Text = "检索结果", "Search results";
    results_for: With = |q| format!("“{q}”的检索结果"), |q| format!("Results for “{q}”");
    everything: Text = "全部", "All";
    all_records: Text = "全部记录", "All records";
    kinds: Text = "类别", "Kinds";
    filters: Text = "筛选", "Filters";
    filters_chosen: Count = |n| format!("筛选（已选 {n}）"), |n| format!("Filters ({n} chosen)");
    chosen: Text = "已选条件", "Chosen filters";
    remove: With = |what| format!("移除条件：{what}"), |what| format!("Remove filter: {what}");
    clear_all: Text = "清除全部", "Clear all";
    expression: Text = "筛选式", "Filter expression";
    more_values: Count = |n| format!("更多（{n}）"), |n| format!("More ({n})");
    below: Count = |n| format!("下级（{n}）"), |n| format!("Within ({n})");
    subscribe_results: Text = "订阅这些结果", "Follow these results";
    sort: Text = "排序", "Sort";
    scopes: Text = "搜索位置", "Search in";
    scope: fn(Scope) -> Text = |scope| match scope {
        Scope::All => "全文",
        Scope::Title => "标题",
        Scope::Code => "文号、编号",
    }, |scope| match scope {
        Scope::All => "full text",
        Scope::Title => "titles",
        Scope::Code => "numbers",
    };
    try_everywhere: Text = "在全文中搜", "Search in the full text";
    unfound: Text = "没有要找的内容？", "Not what you were looking for?";
    unfound_tell: Text = "反馈“没有找到”", "Tell us it is missing";
    unfound_text: Text =
        "只记录搜索词，供运营人员补充内容和同义词；不记录是谁。",
        "Only the words are kept, for those who add records and synonyms; not who you are.";
    unfound_told: Text = "已记录，谢谢。运营人员会看到这条搜索词。", "Noted, thank you. Those who run this site will see these words.";
    unfound_private: Text =
        "没有记录：搜索词太长，或像是号码、地址一类的个人信息。",
        "Not noted: the words are too long, or look like somebody's number or address.";
    by_relevance: Text = "相关度", "Relevance";
    by_newest: Text = "最新", "Newest";
    pages: Text = "分页", "Pages";
    previous: Text = "上一页", "Previous";
    next: Text = "下一页", "Next";
    page: Count = |n| format!("第 {n} 页"), |n| format!("Page {n}");
    page_end: Text =
        "结果较多，此处最多翻到第 1,000 条之后的一页。请加上条件或换更具体的词。",
        "There are more results than can be paged through here (up to offset 1,000). Add a filter or more specific words.";
    past_end: Text = "这一页已超出结果的末尾。", "This page is past the end of the results.";
    first_page: Text = "回到第一页", "Back to the first page";
    most_words: Text =
        "没有足够的结果同时包含全部词语，以下为包含多数词语的结果。",
        "Too few results hold every word; these hold most of them.";
    grams: Text =
        "没有足够的结果包含多数词语，以下为部分字词相近的结果。",
        "Too few results hold most of the words; these share some of their characters.";
    corrected: fn(&str, &str) -> String =
        |from, to| format!("已将“{from}”按“{to}”检索。"),
        |from, to| format!("Searched for “{to}” instead of “{from}”.");
    search_literally: With = |from| format!("仍按“{from}”检索"), |from| format!("Search for “{from}”");
    widened: With =
        |kind| format!("“{kind}”中没有包含全部词语的结果，以下为相近的结果。"),
        |kind| format!("No result of the kind “{kind}” holds every word; these are the nearest.");
    also_searched: fn(&str, &[String]) -> String =
        |word, also| format!("“{word}”也按{}检索。", also.concat()),
        |word, also| format!("“{word}” was also searched as {}.", also.join(", "));
    understood: Text = "读出的条件", "What your words say";
    only: Text = "只看", "Only these";
    only_these: With = |what| format!("只看：{what}"), |what| format!("Only: {what}");
    without_words: With =
        |words| format!("不按“{words}”检索"), |words| format!("Search without “{words}”");
    only_words: Text = "只查原词", "Only these words";
    sample: Text = "示例", "Sample";
    published: Text = "发布", "Published";
    days_left: fn(i64) -> String = |n| match n {
        0 => "今天截止".into(),
        n => format!("还有 {n} 天"),
    }, |n| match n {
        0 => "today".into(),
        1 => "1 day left".into(),
        n => format!("{n} days left"),
    };
    past: Text = "已过期", "past";
    and_more: Count = |n| format!("等 {n} 项"), |n| format!("… ({n} in all)");
    unit: fn(&str) -> &str = |unit| match unit {
        "工作日" => "个工作日",
        "月" => "个月",
        other => other,
    }, |unit| match unit {
        "人" => "people",
        "件" | "项" => "items",
        "家" => "firms",
        "页" => "pages",
        "分" => "points",
        "小时" => "hours",
        "工作日" => "working days",
        "月" => "months",
        "年" => "years",
        "元" => "yuan",
        "万元" => "× 10,000 yuan",
        "元/m²·月" => "yuan/m² a month",
        other => other,
    };
    list_comma: Text = "、", ", ";
    semicolon: Text = "；", "; ";
    between_sentences: Text = "", " ";
    colon: Text = "：", ": ";

    no_results: Text = "没有找到结果", "Nothing found";
    no_results_for: With = |q| format!("没有找到“{q}”"), |q| format!("Nothing found for “{q}”");
    understood_as: Text = "检索时的理解", "How the query was read";
    words: Text = "词语", "Words";
    phrases: Text = "须原样出现", "Must occur literally";
    excluded: Text = "须不出现", "Must not occur";
    what_to_try: Text = "可以试试", "What to try";
    try_without_filters: Text = "去掉筛选条件再搜", "Search without the filters";
    try_unquoted: Text = "去掉引号再搜", "Search without the quotes";
    try_word: With = |word| format!("只搜“{word}”"), |word| format!("Search for “{word}” alone");
    try_fewer: Text = "用更少、更常见的词，或换一种说法", "Use fewer or more common words";
    try_less: With = |what| format!("去掉“{what}”"), |what| format!("Without “{what}”");
    try_everything: Text = "浏览全部记录", "Browse all records";
    hits_by_kind: Text = "不加条件时，各类别的结果", "Without any filter, by kind";

    yes: Text = "是", "Yes";
    no: Text = "否", "No";
    registered_only: Text =
        "如有联系方式，仅向登记用户显示。",
        "Contacts, where there are any, are shown to registered users.";
    other_fields: Text = "更多信息", "More";
    about_record: Text = "关于这条记录", "About this record";
    record_id: Text = "编号", "Id";
    revision: Text = "版本", "Revision";
    created: Text = "收录时间", "Added";
    updated: Text = "更新时间", "Updated";
    source: Text = "数据来源", "Source of the data";
    source_name: fn(&str) -> &str = |source| match source {
        FORM => "本站表单",
        SAMPLE_SOURCE => "示例数据",
        source => source,
    }, |source| match source {
        FORM => "the form of this site",
        SAMPLE_SOURCE => "the sample",
        source => source,
    };
    more_like_this: Text = "更多同类", "More of this kind";
    as_json: Text = "查看 JSON", "View as JSON";
    records_with: fn(&str, &str) -> String =
        |label, value| format!("查看{label}为“{value}”的记录"),
        |label, value| format!("Records with {label}: {value}");
    external: Text = "（站外链接）", " (external link)";
    clause: Text = "依据", "Clause";
    who: Text = "判断方", "Judged by";
    value: Text = "金额", "Amount";
    rate: Text = "比例", "Rate";
    floor: Text = "不低于", "At least";
    cap: Text = "上限", "Up to";
    base: Text = "计算基数", "Of";
    note: Text = "说明", "Note";

    not_found: Text = "没有这个页面", "Page not found";
    not_found_text: Text =
        "地址可能有误，或者内容没有公开。",
        "The address may be wrong, or what it names is not public.";
    search_for: With = |words| format!("搜索“{words}”"), |words| format!("Search for “{words}”");
    gone: Text = "这条记录已撤回", "This record has been withdrawn";
    gone_text: Text =
        "它曾在这里公开，后来由发布者或管理员撤回，不再提供。",
        "It was published here and has since been withdrawn by its owner or an administrator.";
    too_many: Text = "提交太频繁", "Too many at once";
    too_many_text: Text =
        "此刻提交的人较多，没有保存这一次的内容。请等几秒，返回上一页再提交。",
        "Many are sending right now, and this was not saved. Wait a few seconds, go back and send it again.";
    trace: Text = "请求编号（反馈问题时请附上）", "Request id (please quote it when reporting a problem)";
    bad_request: Text = "这个请求无法理解", "The request cannot be read";
    bad_request_text: Text =
        "地址中的条件有误。下面逐条说明应该怎么写、收到的是什么。",
        "A condition in the address is wrong. Below: what was expected, and what was found.";
    parameter: Text = "参数", "Parameter";
    expected: Text = "应为", "Expected";
    received: Text = "收到", "Found";
    method_not_allowed: Text = "这个页面只能查看", "This page can only be read";
    method_not_allowed_text: Text =
        "写入数据请使用接口，见开发者页面。",
        "Use the API to write; see the page for developers.";
    internal: Text = "出了点问题", "Something went wrong";
    internal_text: Text =
        "是我们的错误，已记入日志。请稍后再试。",
        "The fault is ours and has been logged. Please try again later.";
    unavailable: Text = "现在忙不过来", "Too busy at the moment";
    unavailable_text: Text = "请过几秒再试。", "Please try again in a few seconds.";
    filling: Text = "正在建立索引，请稍后再试", "The index is being built";
    filling_text: Text =
        "内容都在，只是还不能检索；一般几秒到几分钟。这个页面每 5 秒自动重新载入一次。",
        "Everything is there and cannot be searched yet; that takes seconds to minutes. This page reloads itself every 5 seconds.";
    filling_send_text: Text =
        "内容都在，只是还不能检索；一般几秒到几分钟。请稍后返回上一页再提交。",
        "Everything is there and cannot be searched yet; that takes seconds to minutes. Please go back and send it again then.";
    search_again: Text = "重新搜索", "Search again";
    back_home: Text = "返回首页", "Back to the home page";
}
