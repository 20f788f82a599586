//! The page of help, and the site map that people read.

use super::Text;

texts! {
    HelpTexts;
    searching: Text = "怎么搜", "Searching";
    searching_items: &'static [&'static str] = &[
        "直接输入名称、文号、技术、单位；文号的括号可以是〔〕、[] 或（）。",
        "多个词都要出现：海水淡化 膜元件。",
        "加引号须原样出现：“首台套”；前面加减号排除：补贴 -保险。",
        "结果上方可以改搜索位置：全文、标题，或文号与专利号一类的编号。",
        "可以输入全拼或首字母；繁体、全角与简体、半角一样。",
        "结果不够时会自动放宽，页面上方会说明放宽到哪一步。",
        "左侧条件可以多选：同一项内任选其一，不同项之间同时满足；已选条件点一下即可去掉。",
    ], &[
        "Type a name, a document number, a technology or an organization; brackets in numbers may be 〔〕, [] or （）.",
        "Several words must all occur.",
        "Quotes ask for the literal text, a minus before a word excludes it.",
        "Above the results you choose where to search: full text, titles, or document and other numbers.",
        "Full pinyin and first letters work; so do traditional characters and full-width letters.",
        "When too little is found the search widens, and the page says how far.",
        "Filters: any of the values within one field, all fields together; a chosen filter is removed with one click.",
    ];
    keyboard: Text = "键盘操作", "Keyboard";
    keyboard_items: &'static [&'static str] = &[
        "Tab 在链接与按钮间移动，第一个是“跳到主要内容”。",
        "检索框：上下键选建议，Enter 采用，Esc 先收起再清空，Alt+↓ 展开。",
        "输入法未上屏时，方向键、Enter、Esc 都归输入法。",
    ], &[
        "Tab moves between links and buttons; the first one skips to the content.",
        "Search box: arrows choose a suggestion, Enter takes it, Esc closes and then clears, Alt+↓ opens.",
        "While an input method composes, arrows, Enter and Esc belong to it.",
    ];
    accessibility_items: &'static [&'static str] = &[
        "目标：WCAG 2.2 AA 与 GB/T 37668-2019 二级。每次修改都用自动检查工具在四种显示方式下检查，违例为零才会合入。",
        "不用脚本也能完成全部操作：检索、筛选、翻页、自测、发布、订阅。",
        "长者模式：字号不小于 18 像素，行距加大，功能不减，一键进出。",
        "尚未验证：真实读屏软件（争渡、阳光、NVDA）与手机读屏的逐页走查。",
    ], &[
        "Aim: WCAG 2.2 AA and GB/T 37668-2019 level 2. Every change is checked by an automatic tool in four display modes; it goes in with no violation.",
        "Everything works without script: searching, filtering, paging, checking, posting, subscribing.",
        "Large text: at least 18 px, wider lines, the same functions, one click in and out.",
        "Not yet verified: page-by-page runs with real screen readers on desktop and phone.",
    ];
    privacy: Text = "隐私", "Privacy";
    privacy_items: &'static [&'static str] = &[
        "不用分析代码，不加载任何第三方内容，不用跟踪 Cookie；只在您选择长者模式时记住这个选择。",
        "政策自测填写的内容只用于当次计算，不保存，不写入日志，也不出现在网址里。",
        "检索词按词计数，用于热搜与建议；次数太少的词不显示，不与个人关联。",
    ], &[
        "No analytics, nothing from third parties, no tracking cookies; only the choice of large text is remembered.",
        "What you enter in the policy check is used for that answer alone: not stored, not logged, never in an address.",
        "Searches are counted by text for popular queries; rare ones are never shown, and none is tied to a person.",
    ];
    pages: Text = "页面", "Pages";
    kinds: Text = "类别", "Kinds";
    machine: Text = "供程序读取", "For programs";
}
