//! A kind with a field of every type, for tests.

use std::sync::Arc;

use super::ConfigFiles;
use crate::record::kind::{Catalog, RecordKind};

const SEARCH: &str = r#"
version = 1
units = { words = 1.0, grams = 0.5, chars = 0.2 }
roles = { title = 0.3, keywords = 0.3, code = 2.0 }
"#;

const COMMON: &str = r#"
version = 1
[[field]]
name = "title"
type = "text"
role = "title"
required = true
max_length = 10
label = { zh = "标题", en = "Title" }
"#;

const PLACES: &str = "code\tparent\tzh\ten\taliases
00\t\t全国\tChina\t
37\t00\t山东省\tShandong\t山东|鲁
3702\t37\t青岛市\t\t青岛
11\t00\t北京市\tBeijing\t北京
12\t00\t天津市\tTianjin\t天津
13\t00\t河北省\tHebei\t
14\t00\t山西省\tShanxi\t
15\t00\t内蒙古\tInner Mongolia\t
21\t00\t辽宁省\tLiaoning\t
22\t00\t吉林省\tJilin\t
23\t00\t黑龙江省\tHeilongjiang\t
31\t00\t上海市\tShanghai\t上海
32\t00\t江苏省\tJiangsu\t
";

const STAGES: &str = "code\tparent\tzh\ten\taliases
idea\t\t构想\tIdea\t
pilot\t\t中试\tPilot\t通过中试
";

const KIND: &str = r#"
version = 1
kind = "thing"
order = 1
label = { zh = "物", en = "Thing" }
description = { zh = "任何物。", en = "Anything." }

[[field]]
name = "keywords"
type = "text"
role = "keywords"
multiple = true
label = { zh = "关键词", en = "Keywords" }

[[field]]
name = "number"
type = "code"
role = "keywords"
label = { zh = "编号", en = "Number" }

[[field]]
name = "stage"
type = "term"
vocabulary = "stage"
role = "body"
facet = { kind = "terms" }
label = { zh = "阶段", en = "Stage" }

[[field]]
name = "owner"
type = "term"
label = { zh = "单位", en = "Owner" }

[[field]]
name = "places"
type = "tree"
vocabulary = "place"
multiple = true
label = { zh = "地区", en = "Places" }

[[field]]
name = "opens"
type = "date"
label = { zh = "开始", en = "Opens" }

[[field]]
name = "level"
type = "integer"
min = 1
max = 9
unit = "级"
help = { zh = "一到九", en = "One to nine" }
label = { zh = "等级", en = "Level" }

[[field]]
name = "share"
type = "decimal"
max = 0.5
label = { zh = "比例", en = "Share" }

[[field]]
name = "price"
type = "money"
label = { zh = "价格", en = "Price" }

[[field]]
name = "quantities"
type = "quantity"
multiple = true
label = { zh = "指标", en = "Quantities" }

[[field]]
name = "active"
type = "bool"
label = { zh = "有效", en = "Active" }

[[field]]
name = "location"
type = "geo"
label = { zh = "坐标", en = "Location" }

[[field]]
name = "link"
type = "url"
label = { zh = "链接", en = "Link" }

[[field]]
name = "files"
type = "file"
multiple = true
label = { zh = "附件", en = "Files" }

[[field]]
name = "windows"
type = "object"
multiple = true
label = { zh = "窗口", en = "Windows" }

[[field.field]]
name = "closes"
type = "date"
required = true
label = { zh = "截止", en = "Closes" }

[[field.field]]
name = "note"
type = "text"
role = "summary"
label = { zh = "说明", en = "Note" }

[[field.field]]
name = "secret"
type = "text"
role = "body"
visibility = "owner"
label = { zh = "内部", en = "Secret" }

[[field]]
name = "contact"
type = "object"
visibility = "registered"
label = { zh = "联系", en = "Contact" }

[[field.field]]
name = "phone"
type = "term"
role = "body"
label = { zh = "电话", en = "Phone" }

[[field]]
name = "rules"
type = "object"
open = true
label = { zh = "规则", en = "Rules" }
"#;

/// Returns the kind.
pub fn kind() -> Arc<RecordKind> {
    let files = ConfigFiles::of([
        ("search.toml", SEARCH),
        ("common.toml", COMMON),
        ("kinds/thing.toml", KIND),
        ("vocabularies/place.tsv", PLACES),
        ("vocabularies/stage.tsv", STAGES),
    ]);
    let catalog = Catalog::from_files(&files).unwrap_or_else(|error| panic!("{error}"));
    catalog.kinds[0].clone()
}
