//! Forms: posting a record, subscribing.

use super::{Text, With};

texts! {
    FormTexts;
    required: Text = "必填", "required";
    not_said: Text = "（不填）", "(not said)";
    ten_thousand_yuan: Text = "万元", "× ¥10,000";
    several: Text = "多项用顿号或逗号分隔，可写名称或代码。", "Separate several with commas; names or codes.";
    quantity_name: Text = "指标名", "Name";
    quantity_operator: Text = "比较", "Compare";
    quantity_value: Text = "数值", "Value";
    quantity_unit: Text = "单位", "Unit";
    add_row: Text = "增加一行", "Add a row";
    preview: Text = "查看匹配与建议", "Show matches and advice";
    draft: Text = "保存草稿", "Keep as a draft";
    draft_kept: Text =
        "草稿就在本页网址里：收藏本页，随时可以接着写。服务器不保存草稿；网址含有您填写的内容，请勿公开。",
        "The draft is in this page’s address: bookmark it and go on at any time. Nothing is kept on the server; the address holds what you entered, so do not make it public.";
    draft_long: Text =
        "内容太长，放不进网址，无法保存为草稿。请直接提交，或先复制到文档里。",
        "This is too long for an address and cannot be kept as a draft. Send it, or copy it to a document.";
    progress: Text = "查询进度", "See how it goes";
    copy: Text = "复制", "Copy";
    send: Text = "提交审核", "Send for review";
    wrong: Text = "有几处需要修改", "Some things need a change";
    wrong_required: Text = "这一项必填", "This is needed";
    wrong_value: Text = "没有这个选项，请写标准名称或代码", "Not one of the values";
    wrong_long: Text = "太长了，请精简", "Too long";
    wrong_many: Text = "项数太多", "Too many values";
    wrong_range: Text = "超出允许的范围", "Out of range";
    wrong_date: Text = "日期写作 2026-11-23", "Not a date";
    wrong_url: Text = "网址须以 https:// 开头", "Not an https address";
    wrong_quantity: Text = "指标要有数值，如 ≥ 99.8 %", "A quantity needs a number";
    wrong_number: Text = "请填数字", "Not a number";
    wrong_other: Text = "这里的写法不对", "Not in the right form";
    quality: Text = "填写质量", "Quality";
    quality_of: With = |points| format!("{points} 分（满分 100）"), |points| format!("{points} of 100");
    quality_full: Text = "要点齐全。", "Everything is there.";
    matches_of: With = |kind| format!("可能匹配的{kind}"), |kind| format!("Possible matches: {kind}");
    matches_wait: Text = "写满 15 个字后，这里会出现可能匹配的内容。", "Possible matches appear here after 15 characters.";
    matches_none: Text = "暂时没有匹配的内容，提交后有新内容会继续匹配。", "Nothing matches yet.";
    similar_posted: Text = "已有相近的内容，提交前请看看是否重复", "Similar ones exist; see whether yours is new";
    sent: Text = "已收到", "Received";
    sent_number: Text = "受理编号", "Number";
    sent_text: Text =
        "审核员核对后公开，一般在三个工作日内。请保存本页网址，可随时查看进度。",
        "A reviewer checks it before it is public, usually within three working days. Keep this address to see how it goes.";
    stage: Text = "进度", "Progress";
    stage_pending: Text = "等待审核", "Waiting for review";
    stage_published: Text = "已公开", "Published";
    stage_rejected: Text = "未通过", "Not accepted";
    reason: Text = "审核意见", "What the reviewer said";
    see_record: Text = "查看公开页面", "See it";
    another: Text = "再发布一条", "Post another";
    foreign: Text = "请从本站的页面提交", "Please send from a page of this site";
    foreign_text: Text =
        "提交来自其他网站，已拒绝。请回到表单重新提交。",
        "The form was sent from another site and was refused. Go back and send it again.";
    op_ge: Text = "不低于", "at least";
    op_le: Text = "不高于", "at most";
    op_eq: Text = "等于", "equal";
    op_gt: Text = "高于", "more than";
    op_lt: Text = "低于", "less than";
    op_approx: Text = "约", "about";

    subscribe_lead: Text =
        "有新内容时告诉您：得到一个只属于您的订阅地址，用阅读器或日历打开即可，不用注册，随时可停。",
        "Hear of what is new: you get an address of your own for a reader or a calendar. No account; stop at any time.";
    subscribe_what: Text = "订阅什么", "What";
    subscribe_words: Text = "检索词（可不填）", "Words (optional)";
    subscribe_kind: Text = "类别", "Kind";
    subscribe_create: Text = "生成订阅地址", "Make the address";
    subscribe_direct: Text = "或者直接订阅检索结果", "Or follow the results directly";
    subscribe_direct_text: Text =
        "这是公开的 Atom 地址，内容与检索页“最新”排序一致。",
        "A public Atom feed of the newest results.";
    subscribe_done: Text = "订阅已建立", "Subscribed";
    subscribe_keep: Text =
        "请保存本页网址：停用订阅要用到它。订阅地址只给自己用。",
        "Keep this address: it is needed to stop. The feed addresses are yours alone.";
    subscribe_atom: Text = "阅读器地址（Atom）", "For a reader (Atom)";
    subscribe_calendar: Text = "日历地址（iCalendar，截止提醒）", "For a calendar (iCalendar: deadlines)";
    subscribe_stop: Text = "停用订阅", "Stop";
    subscribe_stopped: Text = "订阅已停用", "The subscription has ended";
    subscribe_webhook: Text =
        "系统对接请用接口的 webhook 推送，见开发者页面。",
        "Systems use webhooks of the API; see the developers’ page.";
}

impl FormTexts {
    /// An operator of quantities in words.
    pub fn operator(&self, code: &str) -> &'static str {
        match code {
            "ge" => self.op_ge,
            "le" => self.op_le,
            "gt" => self.op_gt,
            "lt" => self.op_lt,
            "approx" => self.op_approx,
            _ => self.op_eq,
        }
    }
}
