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
}
