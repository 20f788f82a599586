//! The pages of those who run the service.

use super::{Count, Text, With, grouped};
use crate::portal::form::GUEST;

texts! {
    AdminTexts;
    console: Text = "管理后台", "Console";
    menu: Text = "后台菜单", "Console menu";
    overview: Text = "工作台", "Overview";
    review: Text = "审核", "Review";
    import: Text = "批量导入", "Import";
    gaps: Text = "供需缺口", "Gaps";
    searches: Text = "检索分析", "Searches";
    signed_in: With = |who| format!("已登录：{who}"), |who| format!("Signed in: {who}");
    sign_out: Text = "退出", "Sign out";

    sign_in: Text = "登录管理后台", "Sign in to the console";
    sign_in_lead: Text =
        "用审核、运营、审计或管理员密钥登录。密钥只用来核对身份，不会写进浏览器；八小时后自动退出。",
        "Sign in with the key of a reviewer, operator, auditor or administrator. The key is checked and not kept in the browser; you are signed out after eight hours.";
    key: Text = "密钥", "Key";
    key_help: Text = "以 kc_ 开头，由 kechuang key create 生成。", "Begins with kc_; kechuang key create makes one.";
    enter: Text = "登录", "Sign in";
    wrong_key: Text = "密钥不对，或已撤销。", "The key is wrong, or has been revoked.";
    weak_key: Text = "这个密钥没有后台权限，请用审核、运营、审计或管理员密钥。", "This key does not open the console; use that of a reviewer, operator, auditor or administrator.";
    too_many: Text = "错误次数太多，请半分钟后再试。", "Too many wrong keys. Try again in half a minute.";
    signed_out: Text = "已退出。", "Signed out.";
    forbidden: Text = "没有这项权限", "Not allowed";
    forbidden_text: Text = "您的密钥可以查看，但不能做这件事。请换用有权限的密钥登录。", "Your key may look but not do this. Sign in with one that may.";
    stale: Text = "这个页面已经过时", "This page is out of date";
    stale_text: Text = "登录已更换或过期。请返回，刷新页面后再提交。", "Your session has changed or ended. Go back, reload and send again.";

    waiting: Text = "待审核", "Waiting for review";
    nothing_waits: Text = "没有等待审核的内容。", "Nothing is waiting.";
    oldest: With = |since| format!("最早一条提交于 {since}"), |since| format!("the oldest since {since}");
    today: Text = "今日检索", "Searches today";
    last_week: With = |n| format!("前七天日均 {n}"), |n| format!("{n} a day in the week before");
    none_rate: Text = "零结果率（近七天）", "Without results (7 days)";
    click_rate: Text = "点击率（近七天）", "Results opened (7 days)";
    index_state: Text = "索引", "Index";
    index_current: Text = "已是最新", "up to date";
    index_behind: Count = |n| format!("落后 {} 次变更", grouped(n)), |n| format!("{} changes behind", grouped(n));
    recent: Text = "最近的决定", "Latest decisions";
    no_decisions: Text = "还没有决定。", "None yet.";

    state: Text = "状态", "State";
    state_pending: Text = "待审核", "Pending";
    state_draft: Text = "已下架或草稿", "Draft or taken down";
    state_rejected: Text = "已退回", "Sent back";
    state_published: Text = "已公开", "Published";
    all_kinds: Text = "全部类别", "All kinds";
    title: Text = "标题", "Title";
    kind: Text = "类别", "Kind";
    owner: Text = "提交者", "From";
    owner_name: fn(&str) -> &str = |owner| match owner {
        GUEST => "网站访客",
        owner => owner,
    }, |owner| match owner {
        GUEST => "a visitor of this site",
        owner => owner,
    };
    source: Text = "来源", "Source";
    since: Text = "提交时间", "Since";
    find: Text = "查找已公开的记录", "Find published records";
    queue_empty: Text = "这里没有记录。", "There is nothing here.";
    queue_total: Count = |n| format!("共 {} 条，等得最久的在前", grouped(n)), |n| format!("{} records, longest waiting first", grouped(n));
    found_total: Count = |n| format!("共 {} 条", grouped(n)), |n| format!("{} records", grouped(n));

    decide: Text = "决定", "Decide";
    reason: Text = "理由（退回、下架、删除时必填，提交者会看到）", "Reason (needed unless publishing; the writer reads it)";
    preset: Text = "常用理由", "Usual reasons";
    no_preset: Text = "（自己写）", "(in my own words)";
    preset_incomplete: Text = "内容不完整，请补充后重新提交", "Incomplete; please add what is missing and send again";
    preset_quantities: Text = "缺少可量化的指标，请写明数值和单位", "No measurable targets; please give values and units";
    preset_private: Text = "公开内容中含个人信息，请删去电话或证件号", "Personal data in public text; please remove it";
    preset_duplicate: Text = "与已公开的内容重复", "The same as what is public already";
    preset_expired: Text = "已过有效期", "No longer valid";
    preset_unfit: Text = "不属于本平台受理的范围", "Not what this service is for";
    publish: Text = "通过并公开", "Publish";
    send_back: Text = "退回修改", "Send back";
    take_down: Text = "下架", "Take down";
    remove: Text = "删除", "Remove";
    needs_reason: Text = "请选一条常用理由，或写明理由。", "Choose a usual reason or give one.";
    changed: Text = "这条记录刚被别人改过，请看过新内容再决定。", "Somebody has just changed this record; look at it again before deciding.";
    done_publish: With = |title| format!("已公开：{title}"), |title| format!("Published: {title}");
    done_send_back: With = |title| format!("已退回：{title}"), |title| format!("Sent back: {title}");
    done_take_down: With = |title| format!("已下架：{title}"), |title| format!("Taken down: {title}");
    done_remove: With = |title| format!("已删除：{title}"), |title| format!("Removed: {title}");
    checks: Text = "检查", "Checks";
    check_advice: With = |points| format!("填写质量 {points} 分（满分 100）"), |points| format!("Quality {points} of 100");
    check_private: With = |what| format!("公开内容中像是有电话或证件号：{what}"), |what| format!("Public text seems to hold a phone or identity number: {what}");
    check_clean: Text = "公开内容中没有发现电话或证件号", "No phone or identity number found in public text";
    check_similar: Text = "相近的公开内容", "Similar public records";
    check_alone: Text = "没有相近的公开内容", "No similar public record";
    log: Text = "审核记录", "Decisions";
    when: Text = "时间", "When";
    who: Text = "谁", "Who";
    what: Text = "决定", "Decision";
    why: Text = "理由", "Reason";
    see_public: Text = "查看公开页面", "See the public page";
    back_to_queue: Text = "返回审核列表", "Back to the list";

    import_lead: Text =
        "上传 CSV、JSON、JSONL 或 TOML 文件。先试运行：逐行核对，不写入；看过报告再确认导入。已有编号的记录会更新。",
        "Upload a CSV, JSON, JSONL or TOML file. It is checked row by row first and nothing is written; read the report, then confirm. Records whose id exists are updated.";
    file: Text = "文件（CSV、JSON、JSONL、TOML，可压缩为 .gz，最多 64 MB）", "File (CSV, JSON, JSONL, TOML, also .gz; up to 64 MB)";
    file_help: Text = "CSV 首行为字段名。UTF-8 或 GB 18030（表格软件另存的格式）都可以。", "The first line of CSV names the fields. UTF-8 and GB 18030 are both fine.";
    map: Text = "字段对照表（可不选，TOML）", "Import map (optional, TOML)";
    map_help: Text = "对方的字段名与本平台不同时使用，写法见文档 IMPORT.md。", "For files whose fields have other names; see IMPORT.md.";
    dry_run: Text = "试运行", "Dry run";
    earlier: Text = "最近的导入", "Earlier imports";
    none_earlier: Text = "还没有导入过。", "None yet.";
    import_of: With = |name| format!("导入：{name}"), |name| format!("Import: {name}");
    step_check: Text = "试运行结果（未写入）", "Dry run (nothing was written)";
    step_write: Text = "导入结果", "Result";
    step_waits: Text = "等待确认", "waits to be confirmed";
    step_done: Text = "已导入", "imported";
    running: Text = "正在处理，行数多时要几分钟。刷新页面看进度。", "Running; many rows take minutes. Reload to see how it goes.";
    reload: Text = "刷新", "Reload";
    rows_read: Text = "读到", "Read";
    rows_new: Text = "新增", "New";
    rows_updated: Text = "更新", "Updated";
    rows_rejected: Text = "未通过", "Rejected";
    confirm: Text = "确认导入", "Import now";
    again: Text = "再导入一次", "Import again";
    rejected_rows: Text = "未通过的行", "Rejected rows";
    rejected_more: Count = |n| format!("只列出前 {n} 行，其余请下载。", n = grouped(n)), |n| format!("The first {} are listed; download the rest.", grouped(n));
    line: Text = "行号", "Line";
    row: Text = "原文", "Row";
    download: Text = "下载未通过的行", "Download the rejected rows";
    unknown_values: Text = "词表里没有的值（已略去）", "Values in no vocabulary (left out)";
    times: Text = "次数", "Times";
    field: Text = "字段", "Field";
    value: Text = "值", "Value";
    ignored: With = |names| format!("文件里有、对照表没有，未导入：{names}"), |names| format!("In the file and not in the map, left out: {names}");
    absent: With = |names| format!("对照表里有、文件里没有：{names}"), |names| format!("In the map and in no row: {names}");
    recoded: Text = "文件是 GB 18030 编码，已转为 UTF-8。", "The file was in GB 18030 and is kept in UTF-8.";
    ended: With = |why| format!("没有读完：{why}"), |why| format!("It ended early: {why}");
    no_file: Text = "请选择一个文件。", "Choose a file.";
    too_large: Text = "文件超过 64 MB。请压缩，或用命令行 kechuang import。", "The file has more than 64 MB. Pack it, or use `kechuang import`.";
    bad_upload: Text = "上传没有完成，请重试。", "The upload broke off. Try again.";
    bad_map: With = |why| format!("对照表不能用：{why}"), |why| format!("The map cannot be used: {why}");

    gaps_lead: With =
        |pair| format!("{pair}在哪些领域、哪些地区没有碰上。每格左为前者、右为后者的公开记录数，已过期、已办结的不计；点领域或地区可细看。"),
        |pair| format!("Where {pair} do not meet. Each cell counts public records of the former and the latter, without what has expired or is over.");
    pair: Text = "比较", "Compare";
    pair_of: fn(&str, &str) -> String = |from, to| format!("{from}与{to}"), |from, to| format!("{from} and {to}");
    by: Text = "按", "By";
    show: Text = "显示", "Show";
    whole: Text = "全部", "All";
    rows_of: Text = "行", "Rows";
    places_of: Text = "地区", "Places";
    rest_place: Text = "其余", "Elsewhere";
    rest_row: Text = "未标注", "Not stated";
    gaps_chart: fn(&str, &str) -> String = |by, pair| format!("{pair}：{by} × 地区"), |by, pair| format!("{pair}: {by} × place");
    gaps_definition: With =
        |day| format!("已公开、{day} 未过期也未办结的记录；一条记录有几个领域的，各计一次。“其余”为所列地区之外、本级或未写地区的记录。"),
        |day| format!("Public records that have not expired on {day} and are not over; one with several fields counts in each. “Elsewhere” is outside the places listed, on the level itself, or without a place.");
    unmet: Text = "有需无供", "Asked for, not offered";
    unmet_text: Text = "只有一方的领域与地区，多的在前；“各地”是同一领域里另一方在所有地区的数量，可以引荐。", "Fields and places with one side alone, most first; everywhere: how much the other side has in the field in all places, to be introduced.";
    unused: Text = "有供无需", "Offered, not asked for";
    where_: Text = "领域与地区", "Field and place";
    elsewhere: With = |kind| format!("各地{kind}"), |kind| format!("{kind}, everywhere");
    none_unmet: Text = "没有这样的格子。", "None.";

    searches_lead: Text =
        "人们在检索页和接口里搜什么、搜不到什么。只计文字和次数，不记是谁；像电话、证件号、邮箱的一概不计。",
        "What people search for and do not find. Texts and counts alone, nobody’s name; what looks like a number or address of somebody is not counted.";
    days: Text = "检索量（近三十天）", "Searches (30 days)";
    days_text: Text =
        "每天输入词语的检索次数，翻页不计；“无结果”指一条也没有，“近似”指没有记录含全部词语。",
        "Typed searches a day, further pages left out; “nothing” found no record, “loose” none with every word.";
    day: Text = "日期", "Day";
    num_searches: Text = "检索", "Searches";
    num_none: Text = "无结果", "Nothing";
    num_loose: Text = "近似", "Loose";
    asked: Text = "问得最多", "Most asked";
    asked_text: With = |n| format!("近期检索次数，旧的逐渐少计（30 天减半），同一词一分钟只计一次；少于 {n} 次的不列。"), |n| format!("How often lately, half after 30 days, once a minute at most; fewer than {n} are not listed.");
    missed: Text = "搜不到的", "Not found";
    missed_text: With = |n| format!("没有结果，或只找到部分字词相近的记录；少于 {n} 次的不列。可据此补同义词、补内容或转为需求线索。"), |n| format!("No result, or only records with some of the characters; fewer than {n} are not listed. Candidates for synonyms, content, or demands.");
    reported: Text = "反馈“没有找到”的", "Reported missing";
    reported_text: Text =
        "检索的人点了“没有找到”；一次也列，旧的逐渐少计（30 天减半）。",
        "Somebody pressed the button that says so; listed from the first time, half after 30 days.";
    words: Text = "检索词", "Words";
}
