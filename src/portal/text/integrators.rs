//! The pages for those who build on the service: embedding, API, open data.

use super::{Text, With};

texts! {
    IntegratorTexts;
    embed_lead: Text =
        "把检索框放进门户：一段表单就能用，一个脚本更好用。不写 Cookie，不存数据，不加载第三方内容。",
        "Put the search box on your portal: a form is enough, a script is better. No cookies, no storage, nothing from third parties.";
    embed_options: Text = "选择方式与范围", "Choose how and what";
    mode: Text = "方式", "How";
    mode_form: Text = "表单：不用脚本", "Form: no script";
    mode_frame: Text = "框架：整块嵌入", "Frame: a page in the page";
    mode_element: Text = "组件：带建议的检索框（推荐）", "Element: a box with suggestions (recommended)";
    mode_matches: Text = "匹配：为一段需求推荐", "Matches: recommendations for a text";
    scope: Text = "范围", "Kinds";
    division: Text = "地区代码（可不填）", "Division code (optional)";
    color: Text = "按钮颜色", "Button colour";
    embed_lang: Text = "语言", "Language";
    show: Text = "更新预览", "Update";
    bad_color: Text = "颜色须写作 #RRGGBB，已用默认颜色。", "The colour must be #RRGGBB; the default is used.";
    bad_division: Text = "地区代码须是六位数字，已忽略。", "The division code must be six digits; it is left out.";
    low_contrast: With =
        |ratio| format!("白色文字在这个颜色上的对比度只有 {ratio} : 1，低于 4.5 : 1，请换深一些的颜色。"),
        |ratio| format!("White text on this colour has a contrast of {ratio} : 1, below 4.5 : 1. Choose a darker one.");
    preview: Text = "实时预览", "Live preview";
    code: Text = "复制代码", "Code to copy";
    copy: Text = "复制", "Copy";
    copied: Text = "已复制", "Copied";
    csp: Text = "需要的内容安全策略（CSP）", "What your Content-Security-Policy needs";
    csp_text: Text =
        "没有 CSP 的网站不用改。有 CSP 的网站，在已有策略中并入这一行；不需要 style-src，也不需要 unsafe-inline 或 unsafe-eval，Trusted Types 可照常开启。",
        "Sites without a policy change nothing. Others merge this line; no style-src, no unsafe-inline, no unsafe-eval, and Trusted Types may be enforced.";
    integrity: Text = "固定版本与校验", "Version and hash";
    integrity_text: Text =
        "带版本号的地址内容永不改变，integrity 校验不过就不会执行。需要自动升级时改用 /widget/v1/，并去掉 integrity。",
        "An address with a version never changes its content, and a file that does not match the hash does not run. To follow releases, use /widget/v1/ and leave integrity out.";
    changes: Text = "组件变更", "Changes of the widgets";
    changes_list: &'static [(&'static str, &'static str)] = &[
        ("1.0.0", "第一个版本：检索框 <kechuang-search>、匹配 <kechuang-matches>、自动调整框架高度的 kechuang-frame.js。"),
    ], &[
        ("1.0.0", "The first: <kechuang-search>, <kechuang-matches>, and kechuang-frame.js, which gives a frame the height of its content."),
    ];
    attributes: Text = "属性", "Attributes";
    events: Text = "事件（均会冒泡；标 * 的可取消）", "Events (all bubble; those with * can be cancelled)";
    parts: Text = "样式：::part()", "Styling: ::part()";
    properties: Text = "样式：自定义属性", "Styling: custom properties";
    name: Text = "名称", "Name";
    meaning: Text = "含义", "Meaning";
    no_script: Text = "脚本不可用时", "Without the script";
    no_script_text: Text =
        "脚本被拦截、接口停机、限流或断网时，表单仍会把检索词提交到结果页，用户不会无路可走。",
        "When the script is blocked, or the API is down, limited or out of reach, the form still sends the query to the result page.";

    data_lead: Text =
        "已公开的全部记录，按类别整份下载。每行一条记录；字段含义见开发者页面。联系方式等非公开字段不在其中。",
        "Every public record, one file a kind, one record a line. Fields are described on the developers' page. Contacts and other fields that are not public are left out.";
    data_licence: Text =
        "示例数据为虚构，可自由使用；正式数据的许可见每条记录的“使用许可”字段。",
        "Sample records are invented and free to use; the licence of real data is in each record’s field “license”.";
    dataset: Text = "数据集", "Data set";
    rows: Text = "记录数", "Records";
    updated: Text = "最近更新", "Updated";
    formats: Text = "下载", "Download";
    catalog: Text = "数据目录（DCAT，JSON-LD）", "Catalogue (DCAT, JSON-LD)";
    feeds: Text = "订阅源", "Feeds";
    feeds_text: Text =
        "任何检索结果页都有对应的 Atom 订阅源：把地址中的 /search 换成 /search.atom。",
        "Every page of results has an Atom feed: put /search.atom in place of /search.";

    api_lead: Text =
        "页面上的一切都能用接口取得：UTF-8 JSON，读取不需要密钥。日期为 YYYY-MM-DD，金额为整数元，地区用 GB/T 2260 代码。错误为 application/problem+json。",
        "Everything on these pages is also in the API: UTF-8 JSON, no key needed for reading. Dates are YYYY-MM-DD, money is whole yuan, places are GB/T 2260 codes. Errors are application/problem+json.";
    keys: Text = "密钥", "Keys";
    keys_text: Text =
        "写入需要密钥。把环境变量 KEY 设为自己的密钥，下面的命令即可直接运行。",
        "Writing needs a key. Set the environment variable KEY to yours and the commands below run as they are.";
    set_id: With =
        |call| format!("先把环境变量 ID 设为 {call} 的回答中的 id。"),
        |call| format!("First set the environment variable ID to the id in the answer of {call}.");
    set_token: Text =
        "先把环境变量 TOKEN 设为订阅的 feed_url 中 /feeds/ 之后的一段。",
        "First set the environment variable TOKEN to what follows /feeds/ in the feed_url of a subscription.";
    endpoints: Text = "接口", "Endpoints";
    parameters: Text = "参数", "Parameters";
    body: Text = "请求体", "Body";
    answers: Text = "应答", "Answers";
    status: Text = "状态码", "Status";
    problems: Text = "错误代码", "Problem codes";
    declared_kinds: Text = "类别", "Kinds";
    kind_label: Text = "名称", "Name on the pages";
    kind_name: Text = "接口中的名称", "Name in the API";
    example_title: Text = "寻求低温密封材料", "Wanted: a low-temperature seal";
    needs_key: Text = "需要密钥", "needs a key";
    required: Text = "必填", "required";
    open_in_browser: Text = "在浏览器中打开", "Open in the browser";
}
