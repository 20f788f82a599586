//! What is written is found, however a dictionary would cut it.

use super::{hold, ids, marked};

/// 1, 2, 3: words that a dictionary hides within other words.
#[tokio::test]
async fn a_word_inside_a_longer_word_is_found_and_marked_alone() {
    let titles = ["安装简单，没有复杂的配置", "在建工程转固定资产", "智能网联汽车准入试点"];
    hold(&titles, async |server| {
        assert_eq!(server.find("简单").await, ["0"]);
        assert_eq!(marked(&server.page("简单").await, "0"), ["简单"]);
        assert_eq!(server.find("工程").await, ["1"]);
        assert_eq!(server.find("网联").await, ["2"]);
        assert_eq!(server.find("网联汽车").await, ["2"]);
    })
    .await;
}

/// 4
#[tokio::test]
async fn words_that_stand_apart_are_found_after_those_that_stand_together() {
    hold(&["科技的成果与转化", "科技成果转化"], async |server| {
        assert_eq!(server.find("科技成果转化").await, ["1", "0"]);
    })
    .await;
}

/// 5
#[tokio::test]
async fn when_no_record_has_all_words_some_come_and_the_answer_says_so() {
    hold(&["促进科技成果转化的若干措施", "深海养殖"], async |server| {
        let page = server.page("科技成果转化天文").await;
        assert_eq!(ids(&page), ["0"]);
        assert!(["most_words", "grams"].contains(&page["relaxation"].as_str().unwrap()), "{page}");
    })
    .await;
}

/// 6
#[tokio::test]
async fn spaces_of_any_width_between_words_change_nothing() {
    hold(&["科技成果转化", "成果与科技", "科技", "航天成果"], async |server| {
        let expected = server.set("科技成果").await;
        assert!(expected.contains(&"0".to_owned()) && expected.contains(&"1".to_owned()));
        for typed in ["科技 成果", "科技　成果", "科技  成果", " 科技成果 "] {
            assert_eq!(server.set(typed).await, expected, "{typed}");
        }
    })
    .await;
}

/// 7
#[tokio::test]
async fn punctuation_is_never_required() {
    hold(
        &["科技", "（科技）", "《科技》简报", "标题：科技", "海洋"],
        async |server| {
            let expected = server.set("科技").await;
            assert_eq!(expected, ["0", "1", "2", "3"]);
            for typed in ["（科技）", "《科技》", "科技？", "科技。", "标题：科技"]
            {
                assert_eq!(server.set(typed).await, expected, "{typed}");
            }
            assert_eq!(server.find("标题：科技").await[0], "3");
        },
    )
    .await;
}

/// 8, 9
#[tokio::test]
async fn quotes_ask_for_the_literal_text_across_words() {
    hold(
        &["招商证券股份有限公司", "证券公司股份", "南京市长江大桥"],
        async |server| {
            assert_eq!(server.find("\"证券股份\"").await, ["0"]);
            assert_eq!(server.find("\"京市长\"").await, ["2"]);
            assert_eq!(server.find("“京市长”").await, ["2"]);
            assert_eq!(server.find("\"股份证券\"").await, [""; 0]);
        },
    )
    .await;
}

/// 10
#[tokio::test]
async fn a_word_ranks_above_the_same_characters_of_two_words() {
    hold(&["研究生命起源", "研究生招生"], async |server| {
        let page = server.page("研究生").await;
        assert_eq!(ids(&page)[0], "1");
        if ids(&page).len() == 2 {
            assert_eq!(marked(&page, "0"), ["研究生"], "the literal run, nothing else");
        }
    })
    .await;
}

/// A question is answered by what it is about, not by another question.
#[tokio::test]
async fn words_that_ask_do_not_decide_the_order() {
    hold(&["哪些可以有多少补贴", "农机补贴"], async |server| {
        assert_eq!(server.find("农机可以有多少补贴").await, ["1", "0"]);
        assert_eq!(server.find("可以有多少").await, ["0"], "unless nothing else is typed");
    })
    .await;
}

/// No pair and no character counts beside a Latin word, as they do beside the words in 汉字.
#[tokio::test]
async fn a_rare_latin_name_counts_as_much_as_a_word() {
    hold(&["检测方法", "检测标准", "HART"], async |server| {
        assert_eq!(server.find("HART检测").await[0], "2");
    })
    .await;
}

/// Many records have the words that the dictionary knows; the one that has the name must not be cut off.
#[tokio::test]
async fn a_name_that_the_dictionary_does_not_know_is_asked_for_whole() {
    let others = ["环保工艺"; 12];
    let titles = [others.as_slice(), &["洗沙料再生"]].concat();
    hold(&titles, async |server| {
        let found = server.find("洗沙料环保工艺").await;
        assert!(found.contains(&"12".to_owned()), "{found:?}");
    })
    .await;
}

/// 11
#[tokio::test]
async fn one_shared_character_is_no_match() {
    hold(&["惠州", "广西", "杭州市场"], async |server| {
        assert_eq!(server.find("广州").await, [""; 0]);
    })
    .await;
}

/// 12
#[tokio::test]
async fn one_character_finds_every_record_that_holds_it_titles_first() {
    hold(&["碳达峰", "低碳", "森林碳汇计量", "氮"], async |server| {
        let body = serde_json::json!({ "kind": "policy", "id": "b", "title": "排放", "body": "按碳计算的排放。碳。碳。" });
        server.write(&[body]).await;
        let found = server.find("碳").await;
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(found[3], "b", "titles come first: {found:?}");
    })
    .await;
    // More than are ordered anew.
    let titles: Vec<String> =
        (0..230).map(|at| format!("关于第{at}批候选单位和入围项目的通知")).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    hold(&titles, async |server| {
        let bodies: Vec<serde_json::Value> = (0..30)
            .map(|at| serde_json::json!({ "kind": "policy", "id": format!("b{at}"), "title": "通知", "body": "选，选，选。", "published_on": "2026-11-01" }))
            .collect();
        server.write(&bodies).await;
        let mut found = Vec::new();
        for offset in [0, 100, 200] {
            found.extend(ids(&server.get(&format!("/v1/search?limit=100&offset={offset}&q=%E9%80%89")).await));
        }
        assert_eq!(found.len(), 260);
        let first = found.iter().position(|id| id.starts_with('b'));
        assert_eq!(first, Some(230), "a body stands before a title");
    })
    .await;
}

#[tokio::test]
async fn what_is_called_exact_holds_what_was_typed() {
    let titles = ["5号楼改造", "第15号公告", "5G基站与7号线", "区块链平台", "5个品种"];
    hold(&titles, async |server| {
        let page = server.page("5号").await;
        assert_eq!(page["relaxation"], "most_words", "two records are too few: {page}");
        assert_eq!(ids(&page)[0], "0", "{page}");
        assert_eq!(server.set("5号").await, ["0", "1", "2", "4"]);
        let page = server.page("区块连").await;
        assert_ne!(page["relaxation"], "exact", "{page}");
        assert_eq!(server.page("楼改造").await["relaxation"], "exact");
    })
    .await;
}

/// Fewer than are enough have a part of a Latin word across a sign: the next rung keeps them.
#[tokio::test]
async fn a_part_of_a_code_or_unit_stays_found_when_more_is_looked_for() {
    let titles = ["含量不高于20mg/kg", "抗氧化活性3U/mL", "g与k的关系", "u形管，m形槽"];
    hold(&titles, async |server| {
        assert!(server.find("g/k").await.contains(&"0".to_owned()));
        assert!(server.find("U/m").await.contains(&"1".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_part_of_a_year_in_chinese_digits_is_found() {
    hold(
        &["二〇一二年度工作总结", "截至二零二五年底", "二〇号楼"],
        async |server| {
            for (typed, id) in [
                ("二〇一二", "0"),
                ("〇一二年", "0"),
                ("一二年度", "0"),
                ("至二零二", "1"),
                ("二五年底", "1"),
            ] {
                assert!(server.find(typed).await.contains(&id.to_owned()), "{typed}");
                assert!(
                    server.find(&format!("\"{typed}\"")).await.contains(&id.to_owned()),
                    "quoted {typed}"
                );
            }
        },
    )
    .await;
}

/// A conversion that looked at neighbours would read 坏土 as 坯土.
#[tokio::test]
async fn characters_are_converted_without_their_neighbours() {
    hold(
        &["审理破坏土地资源刑事案件", "二噁英检测", "乾隆年間方志"],
        async |server| {
            for (typed, id) in [
                ("破坏", "0"),
                ("理破坏", "0"),
                ("\"破坏土\"", "0"),
                ("噁英", "1"),
                ("乾隆", "2"),
                ("乾", "2"),
                ("年间", "2"),
            ] {
                assert_eq!(server.find(typed).await, [id], "{typed}");
            }
        },
    )
    .await;
}

/// 芯片 is also called IC, which stands in technical as well.
#[tokio::test]
async fn another_way_to_say_it_in_latin_letters_is_a_whole_word() {
    hold(&["功率芯片封装", "高速 IC 设计", "technical service"], async |server| {
        assert_eq!(server.set("芯片").await, ["0", "1"]);
    })
    .await;
}

/// 13
#[tokio::test]
async fn a_minus_takes_records_out() {
    hold(
        &["招商蛇口", "招商证券股份有限公司", "招商产业园", "有限公司"],
        async |server| {
            assert_eq!(server.set("招商 -公司").await, ["0", "2"]);
            assert_eq!(server.set("-公司").await, ["0", "2"]);
        },
    )
    .await;
}

/// 17
#[tokio::test]
async fn characters_that_sound_alike_are_not_alike() {
    hold(&["部委", "不变", "布线", "步骤"], async |server| {
        assert_eq!(server.find("部").await, ["0"]);
    })
    .await;
}

/// 20, 21
#[tokio::test]
async fn traditional_and_simplified_are_one_where_the_word_says_so() {
    let titles = ["國際論壇", "国际论坛", "国际體育论坛", "頭髮護理", "發展規劃", "发展与头发"];
    hold(&titles, async |server| {
        let expected = server.set("国际论坛").await;
        assert_eq!(expected, ["0", "1", "2"]);
        for typed in ["國際論壇", "國际论坛"] {
            let page = server.page(typed).await;
            let mut found = ids(&page);
            found.sort();
            assert_eq!(found, expected, "{typed}");
            assert_eq!(marked(&page, "0").concat(), "國際論壇", "in the record's own script");
            assert_eq!(marked(&page, "1").concat(), "国际论坛");
        }
        assert_eq!(server.set("头发").await, ["3", "5"]);
        assert_eq!(server.set("发展").await, ["4", "5"]);
        assert_eq!(server.set("頭髮").await, ["3", "5"]);
        // A character that simplified writing has merged with another finds its own texts first.
        assert_eq!(server.find("髮").await[0], "3");
        assert_eq!(server.find("發").await[0], "4");
    })
    .await;
}

/// 22
#[tokio::test]
async fn numbers_and_latin_words_glued_to_characters_are_found_whole() {
    hold(&["我从2025年开始学Rust", "2026年的语言"], async |server| {
        for typed in ["2025", "rust", "2025年", "RUST语言"] {
            assert!(server.find(typed).await.contains(&"0".to_owned()), "{typed}");
        }
    })
    .await;
}

/// 23
#[tokio::test]
async fn full_width_letters_are_found_and_marked_as_they_stand() {
    hold(&["型号ＡＢＣ１２３的说明"], async |server| {
        let page = server.page("abc123").await;
        assert_eq!(marked(&page, "0"), ["ＡＢＣ１２３"]);
    })
    .await;
}

/// 24
#[tokio::test]
async fn a_standard_in_a_title_is_found_in_any_spelling_first() {
    let titles = [
        "GB/T 19004 指南",
        "GB/T 19001-2016 质量管理体系 要求",
        "GB/T 19001 应用",
        "2019001号公告",
    ];
    hold(&titles, async |server| {
        for typed in ["GBT19001", "GB/T19001", "19001", "GB/T 19001"] {
            let mut found = server.find(typed).await;
            found.truncate(2);
            found.sort();
            assert_eq!(found, ["1", "2"], "{typed}");
        }
        assert_eq!(server.find("gb/t 19001-2016").await[0], "1");
    })
    .await;
}

/// 24, 27
#[tokio::test]
async fn codes_are_found_in_any_spelling_and_by_their_parts() {
    let titles = ["质量管理体系要求", "GB/T 19004 指南", "手机PD1728_A_1维修", "接插件WES-5.4.5"];
    hold(&titles, async |server| {
        let numbered = serde_json::json!({
            "kind": "policy", "id": "n", "title": "质量管理体系", "document_number": "GB/T 19001-2016",
        });
        server.write(&[numbered]).await;
        for typed in ["GBT19001", "GB/T19001", "19001", "gb/t 19001-2016"] {
            assert_eq!(server.find(typed).await.first().map(String::as_str), Some("n"), "{typed}");
        }
        assert_eq!(server.find("PD1728").await[0], "2");
        assert_eq!(server.find("wes").await[0], "3");
        assert_eq!(server.find("5.4.5").await[0], "3");
    })
    .await;
}

/// 25
#[tokio::test]
async fn a_document_number_is_found_in_any_spelling_and_not_its_neighbour() {
    hold(&[], async |server| {
        let record = |id: &str, number: &str| {
            serde_json::json!({ "kind": "policy", "id": id, "title": "关于印发工作方案的通知", "document_number": number })
        };
        server.write(&[record("a", "国办发〔2023〕15号"), record("b", "国办发〔2015〕23号")]).await;
        for typed in ["国办发〔2023〕15号", "国办发[2023]15号", "国办发(2023)15号", "国办发2023 15", "2023年15号"] {
            assert_eq!(server.find(typed).await.first().map(String::as_str), Some("a"), "{typed}");
        }
    })
    .await;
}

/// 26
#[tokio::test]
async fn signs_that_belong_to_a_name_tell_names_apart() {
    hold(&["C++、C#、.NET 开发", "C语言", "C#编程", "C++编程"], async |server| {
        assert_eq!(server.set("C++").await, ["0", "3"]);
        assert_eq!(server.set("C#").await, ["0", "2"]);
        assert_eq!(server.set(".NET").await, ["0"]);
        assert_eq!(server.find("C").await[0], "1");
    })
    .await;
}

/// 28, 29
#[tokio::test]
async fn numbers_in_any_digits_are_one() {
    hold(
        &["二〇二五年工作要点", "2025年工作安排", "奖励5,000万元", "补助5000 万"],
        async |server| {
            assert_eq!(server.set("2025年").await, ["0", "1"]);
            assert_eq!(server.set("二〇二五年").await, ["0", "1"]);
            assert_eq!(server.set("5000万").await, ["2", "3"]);
        },
    )
    .await;
}

/// 28: the plans of five years by their short names.
#[tokio::test]
async fn a_plan_is_found_by_its_short_name() {
    let titles = ["第十四个五年规划", "第十五个五年规划纲要", "十四五规划中期评估", "五年规划"];
    hold(&titles, async |server| {
        for typed in ["十四五规划", "第十四个五年规划", "十四五"] {
            let mut found = server.find(typed).await;
            found.truncate(2);
            found.sort();
            assert_eq!(found, ["0", "2"], "{typed}");
        }
        assert_eq!(server.find("十五五规划").await[0], "1");
    })
    .await;
}

/// 35
#[tokio::test]
async fn a_long_paragraph_finds_its_own_record_first() {
    let paragraph = "为贯彻落实创新驱动发展战略，支持企业牵头组建创新联合体，对获批建设的省级以上技术创新中心给予一次性奖励，并按其上年度研发投入\
        的一定比例安排后补助资金；鼓励高等院校、科研院所与企业共建概念验证平台和中试基地，面向社会开放仪器设备，收取的服务费用纳入单位预算统一管理。";
    hold(&["支持企业组建创新联合体的措施", "中试基地管理办法", "仪器设备开放共享"], async |server| {
        let record = serde_json::json!({ "kind": "policy", "id": "d", "title": "若干措施", "body": paragraph });
        server.write(&[record]).await;
        assert_eq!(server.find(paragraph).await[0], "d");
        let changed = paragraph.replace("奖励", "奖补").replace("平台", "中心");
        assert_eq!(server.find(&changed).await[0], "d");
    })
    .await;
}
