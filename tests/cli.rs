//! The built binary, as somebody at a terminal runs it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

fn kechuang(dir: &Path, arguments: &[&str]) -> Output {
    command(dir, arguments).output().expect("the binary runs")
}

fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kechuang"));
    command.args(arguments).current_dir(dir).env_remove("RUST_LOG").env_remove("KECHUANG_KEY");
    command
}

/// Runs and checks the exit code; returns standard output and standard error.
fn check(dir: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let output = kechuang(dir, arguments);
    let out = String::from_utf8(output.stdout).expect("output is UTF-8");
    let err = String::from_utf8(output.stderr).expect("output is UTF-8");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
    (out, err)
}

fn contains(text: &str, part: &str) {
    assert!(text.contains(part), "{part:?} is not in:\n{text}");
}

fn write(dir: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn keys_are_made_before_the_first_start() {
    let dir = TempDir::new().unwrap();
    let role = ["key", "create", "--role", "administrator", "--data", "d"];
    let (out, err) = check(dir.path(), &role, 0);
    let key = out.trim_end();
    assert!(key.starts_with("kc_") && out == format!("{key}\n"), "{out:?}");
    assert_eq!(err, "");
    let owner = ["key", "create", "--role", "contributor", "--owner", "某院", "--data", "d"];
    check(dir.path(), &owner, 0);
    let (out, _) = check(dir.path(), &["key", "list", "--data", "d"], 0);
    let id = key.split('_').nth(1).unwrap();
    contains(&out, id);
    contains(&out, "某院");
    assert_eq!(out.lines().count(), 3, "{out}");
    assert!(!out.contains(key.rsplit('_').next().unwrap()), "no secret is listed");
    check(dir.path(), &["key", "revoke", id, "--data", "d"], 0);
    let (_, err) = check(dir.path(), &["key", "revoke", id, "--data", "d"], 1);
    contains(&err, id);
    check(dir.path(), &["key", "create", "--role", "king", "--data", "d"], 2);
    let reserved = ["key", "create", "--role", "operator", "--owner", "@portal", "--data", "d"];
    let (_, error) = check(dir.path(), &reserved, 1);
    contains(&error, "the service's own");
}

#[test]
fn a_broken_row_is_put_aside_and_the_others_go_in() {
    let dir = TempDir::new().unwrap();
    let mut text: Vec<u8> =
        b"{\"id\":\"a-1\",\"title\":\"one\"}\n\n{\"id\":\"a-2\"}\nnot json\n".to_vec();
    text.extend(b"{\"id\":\"a-3\",\"title\":\"\xff\"}\r\n{\"id\":\"a-4\",\"title\":\"two\",\"maturity\":\"old\"}\n");
    text.extend(b"{\"id\":\"a-5\",\"title\":\"three\"}");
    write(dir.path(), "rows.jsonl", text);
    let import = ["import", "--kind", "achievement", "--data", "d", "rows.jsonl"];
    let (out, err) = check(dir.path(), &import, 3);
    assert_eq!(out, "");
    contains(&err, "6 read, 2 written (2 new, 0 updated), 4 rejected");
    let rejected =
        lines(&std::fs::read_to_string(dir.path().join("rows.jsonl.rejected.jsonl")).unwrap());
    let numbers: Vec<u64> = rejected.iter().map(|row| row["line"].as_u64().unwrap()).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [3, 4, 5, 6]);
    let of_line = |line: u64| rejected.iter().find(|row| row["line"] == line).unwrap();
    assert_eq!(of_line(3)["violations"][0]["code"], "required");
    assert_eq!(of_line(3)["row"], json!({"id": "a-2"}));
    contains(of_line(4)["reason"].as_str().unwrap(), "not JSON");
    contains(of_line(5)["reason"].as_str().unwrap(), "not UTF-8");
    assert_eq!(of_line(6)["violations"][0]["pointer"], "/maturity");

    // The second import updates, and what the first rejected is no longer said.
    write(
        dir.path(),
        "rows.jsonl",
        "{\"id\":\"a-1\",\"title\":\"uno\"}\n{\"id\":\"a-9\",\"title\":\"nine\"}\n",
    );
    let (_, err) = check(dir.path(), &import, 0);
    contains(&err, "2 read, 2 written (1 new, 1 updated), 0 rejected");
    assert!(!dir.path().join("rows.jsonl.rejected.jsonl").exists());
    let (out, _) = check(dir.path(), &["export", "--data", "d"], 0);
    let titles: Vec<String> =
        lines(&out).iter().map(|row| row["title"].as_str().unwrap().into()).collect();
    assert_eq!(titles, ["uno", "three", "nine"]);
}

#[test]
fn standard_input_cells_and_maps_go_in() {
    let dir = TempDir::new().unwrap();
    let mut child = command(dir.path(), &["import", "--kind", "achievement", "--data", "d", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"{\"id\":\"s\",\"title\":\"x\"}\n{}\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(dir.path().join("stdin.rejected.jsonl").exists());

    write(dir.path(), "rows.json", "[\n{\"id\":\"j\",\"title\":\"y\"},\n{\"id\":\"k\"}]");
    let json = ["import", "--kind", "achievement", "--data", "d", "rows.json"];
    check(dir.path(), &json, 3);
    let rejected = std::fs::read_to_string(dir.path().join("rows.json.rejected.jsonl")).unwrap();
    assert_eq!(lines(&rejected)[0]["line"], 3, "where the object begins");

    write(dir.path(), "cells.csv", "id,title,keywords,price_yuan\nc,\"泵, 阀\",甲;乙,5万元\n");
    check(dir.path(), &["import", "--kind", "achievement", "--data", "d", "cells.csv"], 0);
    write(
        dir.path(),
        "map.toml",
        "id = \"no\"\ntitle = \"name\"\nmaturity = { from = \"m\", vocabulary = true }\n",
    );
    write(
        dir.path(),
        "theirs.jsonl",
        "{\"no\":7,\"name\":\"机\",\"m\":\"已有样品\",\"x\":1}\n{\"no\":8,\"name\":\"器\",\"m\":\"妙\"}\n",
    );
    let import =
        ["import", "--kind", "achievement", "--map", "map.toml", "--data", "d", "theirs.jsonl"];
    let (_, err) = check(dir.path(), &import, 0);
    contains(&err, "value not known: maturity 妙 × 1");
    contains(&err, "left out: x");
    let (out, _) = check(dir.path(), &["export", "--data", "d", "--kind", "achievement"], 0);
    let records = lines(&out);
    let of_id = |id: &str| records.iter().find(|row| row["id"] == id).expect(id);
    assert_eq!(of_id("c")["keywords"], json!(["甲", "乙"]));
    assert_eq!(of_id("c")["price_yuan"], 50_000);
    assert_eq!(of_id("c")["_source"], "cells.csv");
    assert_eq!(of_id("7")["maturity"], "prototype");
    assert_eq!(of_id("8").get("maturity"), None);

    write(dir.path(), "bad.toml", "\ntitel = \"name\"\n");
    let import =
        ["import", "--kind", "achievement", "--map", "bad.toml", "--data", "d", "theirs.jsonl"];
    let (_, err) = check(dir.path(), &import, 1);
    contains(&err, "bad.toml:2:");
    contains(&err, "title");
    let (_, err) =
        check(dir.path(), &["import", "--kind", "nothing", "--data", "d", "theirs.jsonl"], 1);
    contains(&err, "achievement");
    check(dir.path(), &["import", "--kind", "achievement", "--data", "d", "missing.jsonl"], 1);
}

#[test]
fn rows_before_a_break_in_gzip_go_in() {
    let dir = TempDir::new().unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for at in 0..5_000_u32 {
        let noise = at.wrapping_mul(2_654_435_761);
        writeln!(packed, "{{\"id\":\"r-{at}\",\"title\":\"record {noise}\"}}").unwrap();
    }
    let packed = packed.finish().unwrap();
    write(dir.path(), "rows.jsonl.gz", &packed[..packed.len() / 2]);
    let import = ["import", "--kind", "achievement", "--data", "d", "rows.jsonl.gz"];
    let (_, err) = check(dir.path(), &import, 1);
    contains(&err, "reading ended after");
    let (out, _) = check(dir.path(), &["export", "--data", "d"], 0);
    let count = out.lines().count();
    assert!(count > 500 && count < 5_000, "{count}");

    write(dir.path(), "garbage.jsonl", vec![b'{'; 1 << 20]);
    let import = ["import", "--kind", "achievement", "--data", "d", "garbage.jsonl"];
    let (_, err) = check(dir.path(), &import, 3);
    contains(&err, "1 read, 0 written");
}

#[test]
fn pipes_are_read_and_what_cannot_be_is_named() {
    let dir = TempDir::new().unwrap();
    let import = |file: &str, code| {
        check(dir.path(), &["import", "--kind", "demand", "--data", "d", file], code).1
    };
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writing = std::thread::spawn(move || {
        std::fs::write(pipe, "{\"id\":\"d-1\",\"title\":\"需求\"}\n{\"id\":\"d-2\"}\n").unwrap();
    });
    contains(&import("pipe", 3), "pipe: 2 read, 1 written (1 new, 0 updated), 1 rejected");
    writing.join().unwrap();
    assert!(dir.path().join("pipe.rejected.jsonl").exists());
    contains(&import("/dev/null", 0), "null: 0 read, 0 written");
    contains(&import("none.jsonl", 1), "none.jsonl: there is no such file");
    contains(&import("d", 1), "d is a folder");

    write(dir.path(), "book.xlsx", b"PK\x03\x04\x14\x00\x06\x00\x08\n\n");
    let err = import("book.xlsx", 1);
    contains(&err, "book.xlsx: a workbook (.xlsx)");
    contains(&err, "JSONL, JSON, CSV or TOML is expected");
    contains(&err, "0 rejected");

    write(dir.path(), "wide.csv", "title,summary\n\"需求, 一\",二,三\n");
    import("wide.csv", 3);
    let rejected = std::fs::read_to_string(dir.path().join("wide.csv.rejected.jsonl")).unwrap();
    assert_eq!(lines(&rejected)[0]["row"], "\"需求, 一\",二,三");

    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = format!("http://127.0.0.1:{port}");
    let to_server = ["import", "--kind", "demand", "--server", &server, "--key", "k", "one.jsonl"];
    write(dir.path(), "one.jsonl", "{\"id\":\"d-1\",\"title\":\"需求\"}\n");
    let (_, err) = check(dir.path(), &to_server, 1);
    contains(&err, &format!("nothing listens at {server}"));

    write(dir.path(), "file", "text");
    let serve = ["serve", "--data", "file", "--listen", "127.0.0.1:0"];
    contains(&check(dir.path(), &serve, 1).1, "file is a file; a folder is expected");
}

#[test]
fn export_backup_and_restore_keep_everything() {
    let dir = TempDir::new().unwrap();
    let rows: String =
        (0..20).map(|at| format!("{{\"id\":\"a-{at:02}\",\"title\":\"记录 {at}\"}}\n")).collect();
    write(dir.path(), "rows.jsonl", rows);
    check(dir.path(), &["import", "--kind", "achievement", "--data", "one", "rows.jsonl"], 0);
    let (exported, err) = check(dir.path(), &["export", "--data", "one"], 0);
    contains(&err, "20 records");

    let path = write(dir.path(), "exported.jsonl", &exported);
    let import = ["import", "--kind", "achievement", "--data", "two", path.to_str().unwrap()];
    check(dir.path(), &import, 0);
    let (again, _) = check(dir.path(), &["export", "--data", "two"], 0);
    let plain = |text: &str| -> Vec<Value> {
        let mut rows = lines(text);
        for row in &mut rows {
            let members = row.as_object_mut().unwrap();
            for name in ["_revision", "_created_at", "_updated_at", "_source"] {
                assert!(members.remove(name).is_some(), "{name}");
            }
        }
        rows
    };
    assert_eq!(plain(&again), plain(&exported));

    check(dir.path(), &["backup", "all.backup", "--data", "one"], 0);
    check(dir.path(), &["backup", "all.backup", "--data", "one"], 1);
    check(dir.path(), &["restore", "all.backup", "--data", "three"], 0);
    check(dir.path(), &["restore", "all.backup", "--data", "one"], 1);
    assert_eq!(check(dir.path(), &["export", "--data", "three"], 0).0, exported);
    check(dir.path(), &["reindex", "--data", "three"], 0);
    let (out, _) = check(dir.path(), &["verify", "--data", "three"], 0);
    contains(&out, "every checksum is right");
    check(dir.path(), &["export", "--data", "nowhere"], 1);
    assert!(!dir.path().join("nowhere").exists());
}

#[test]
fn configuration_errors_name_file_line_and_key() {
    let dir = TempDir::new().unwrap();
    let (out, _) = check(dir.path(), &["check-config"], 0);
    contains(&out, "8 kinds");
    contains(&out, "ok");
    write(dir.path(), "kechuang.toml", "\nlisten = \"127.0.0.1:80\"\nlissten = 3\n");
    let (out, _) = check(dir.path(), &["check-config", "--config", "kechuang.toml"], 1);
    contains(&out, "kechuang.toml");
    contains(&out, "line 3");
    contains(&out, "lissten");

    let copy = dir.path().join("index-config");
    copy_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/index-config")), &copy);
    let kind = copy.join("kinds/demand.toml");
    let text = std::fs::read_to_string(&kind).unwrap();
    std::fs::write(&kind, text.replacen("type = \"text\"", "type = \"texts\"", 1)).unwrap();
    let output = command(dir.path(), &["check-config"])
        .env("KECHUANG_INDEX_CONFIG", &copy)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let out = String::from_utf8(output.stdout).unwrap();
    contains(&out, "demand.toml:");
    contains(&out, "texts");
    contains(&out, "allowed: ");
}

#[test]
fn rules_may_be_written_in_toml() {
    let dir = TempDir::new().unwrap();
    // The same tree as in JSON, on the lines of the file.
    let rules = |clause: &str, code: &str| {
        format!(
            r#"
[policy]
id = "written-by-hand"
title = "企业研发费用后补助"
applies_to = ["370200"]
issued_on = 2026-03-01

[[policy.windows]]
kind = "batch"
opens = 2026-04-01
closes = 2026-05-15
rules_as_of = 2025-12-31

[[policy.conditions]]
id = "c1"
text = "高新技术企业，或入库科技型中小企业"
{clause}
any = [
  {{ attr = "quals", op = "has", value = "{code}", valid_on = "rules_as_of" }},
  {{ attr = "quals", op = "has", value = "kejixing_sme", valid_on = "rules_as_of" }},
]
"#
        )
    };
    write(dir.path(), "good.toml", rules("clause = \"第三条\"", "gaoxin"));
    let (out, _) = check(dir.path(), &["check-config", "good.toml"], 0);
    contains(&out, "1 records: ok");
    write(dir.path(), "bad.toml", rules("clause = \"第三条\"", "gaoxing"));
    let (out, _) = check(dir.path(), &["check-config", "bad.toml"], 1);
    contains(&out, "bad.toml:2: conditions/0/any/0/value");
    contains(&out, "第三条");
    write(dir.path(), "silent.toml", rules("", "gaoxin"));
    contains(&check(dir.path(), &["check-config", "silent.toml"], 1).0, "conditions/0/clause");
    write(dir.path(), "broken.toml", "[policy]\ntitle = \n");
    contains(&check(dir.path(), &["check-config", "broken.toml"], 1).0, "line 2");
    check(dir.path(), &["import", "--kind", "policy", "--data", "d", "good.toml"], 0);
    let (exported, _) = check(dir.path(), &["export", "--kind", "policy", "--data", "d"], 0);
    let record = &lines(&exported)[0];
    assert_eq!(record["conditions"][0]["any"][0]["value"], "gaoxin");
    assert_eq!(record["windows"][0]["rules_as_of"], "2025-12-31");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_small_set_has_the_measures_computed_by_hand() {
    let dir = TempDir::new().unwrap();
    let corpus = [
        r#"{"id":"水/泵 1","title":"离心水泵","text":"一种离心水泵的叶轮","extra":1}"#,
        r#"{"id":"b","title":"","text":"齿轮箱的润滑"}"#,
        r#"{"id":"c","text":"太阳能电池板"}"#,
    ];
    write(dir.path(), "corpus.jsonl", corpus.join("\n"));
    let queries = [
        r#"{"id":"q1","text":"离心水泵"}"#,
        r#"{"id":"q2","text":"完全没有的东西"}"#,
        r#"{"id":"q3","text":"没有判断"}"#,
    ];
    write(dir.path(), "queries.jsonl", queries.join("\n"));
    write(dir.path(), "qrels.tsv", "q1\t水/泵 1\t1\nq1\tb\t1\nq2\tc\t2\nq2\tmissing\t0\n");
    let evaluate = ["evaluate", "--set", ".", "--json"];
    let (out, _) = check(dir.path(), &evaluate, 0);
    let found: Value = serde_json::from_str(&out).unwrap();
    // q1 finds the first of its two; q2 finds nothing. Judged alone: q1 is ideal, q2 has c before missing.
    let ndcg = (1.0 / (1.0 + 1.0 / 3f64.log2())) / 2.0;
    for (name, expected) in [
        ("ndcg@10", ndcg),
        ("mrr@10", 0.5),
        ("recall@10", 0.25),
        ("recall@100", 0.25),
        ("ndcg_judged@10", 1.0),
    ] {
        let value = found[name].as_f64().expect(name);
        assert!((value - expected).abs() < 1e-6, "{name}: {value} is not {expected}");
    }
    assert_eq!((&found["queries"], &found["documents"]), (&json!(2), &json!(3)));
    assert_eq!(found["task"], "search");
    assert!(found["ms_p50"].as_f64() <= found["ms_p99"].as_f64());
    let (out, _) = check(dir.path(), &["evaluate", "--set", ".", "--relevant", "2"], 0);
    contains(&out, "ndcg@10");
    contains(&out, "q2");
    let (out, _) = check(dir.path(), &["evaluate", "--set", ".", "--task", "match"], 0);
    contains(&out, "plain BM25");
    let (_, err) = check(dir.path(), &["evaluate", "--set", ".", "--qrels", "none.tsv"], 1);
    contains(&err, "none.tsv");
    check(dir.path(), &["evaluate", "--set", ".", "--kind", "nothing"], 1);
}

#[test]
fn lists_of_a_data_folder_are_measured_by_what_people_said() {
    let dir = TempDir::new().unwrap();
    let demands = [
        r#"{"id":"d1","title":"海水淡化反渗透膜元件"}"#,
        r#"{"id":"d2","title":"焊接机器人视觉引导"}"#,
    ];
    write(dir.path(), "demands.jsonl", demands.join("\n"));
    let achievements = [
        r#"{"id":"a1","title":"高脱盐率海水反渗透膜"}"#,
        r#"{"id":"a2","title":"面向焊接的机器人视觉"}"#,
    ];
    write(dir.path(), "achievements.jsonl", achievements.join("\n"));
    for (kind, file) in [("demand", "demands.jsonl"), ("achievement", "achievements.jsonl")] {
        check(dir.path(), &["import", "--kind", kind, "--data", "data", file], 0);
    }
    // As the feedback of a server gives it: the second demand went to the wrong achievement.
    write(dir.path(), "said.tsv", "d1\ta1\t3\nd2\ta1\t2\nd2\ta2\t0\ngone\ta1\t3\n");
    let said = dir.path().join("said.tsv");
    let measure = ["evaluate", "--set", "data", "--task", "match", "--json", "--judgements"];
    let (out, err) = check(dir.path(), &[&measure[..], &[said.to_str().unwrap()]].concat(), 0);
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&found["queries"], &found["task"]), (&json!(2), &json!("match")), "{found}");
    assert_eq!(found["mrr@10"], json!(0.5), "{found}");
    contains(&err, "1 records with judgements are not in the data folder");
}

#[test]
fn quantities_of_texts_are_counted() {
    let dir = TempDir::new().unwrap();
    let lines = [
        r#"{"id":"a","title":"膜元件","text":"脱盐率不低于99.8%，厚度0.03～0.05 mm，精度±2 μm，压力5.5MPa。"}"#,
        r#"{"id":"b","text":"2019年立项，共3种。"}"#,
    ];
    write(dir.path(), "texts.jsonl", lines.join("\n"));
    let count = ["evaluate", "--set", ".", "--task", "quantities", "--sample", "2", "--json"];
    let (out, _) = check(dir.path(), &count, 0);
    let found: Value = serde_json::from_str(&out).unwrap();
    for (name, expected) in [
        ("texts", 3),
        ("with_digits", 2),
        ("with_quantities", 1),
        ("quantities", 4),
        ("one_sided", 1),
        ("ranges", 1),
        ("tolerances", 1),
        ("plain", 1),
        ("named", 4),
    ] {
        assert_eq!(found[name], json!(expected), "{name}: {found}");
    }
    assert_eq!(found["sample"].as_array().unwrap().len(), 2);
    let (out, _) = check(dir.path(), &count[..7], 0);
    contains(&out, "4 quantities in 1 texts");
}

#[test]
fn a_changed_configuration_is_compared_side_by_side() {
    let dir = TempDir::new().unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("dictionaries");
    let changed = dir.path().join("changed");
    std::fs::create_dir(&changed).unwrap();
    for file in std::fs::read_dir(shipped).unwrap().flatten() {
        std::fs::copy(file.path(), changed.join(file.file_name())).unwrap();
    }
    let compare = ["evaluate", "--set", ".", "--compare", "changed"];
    let corpus = [
        r#"{"id":"a","title":"头发护理","text":"洗护用品"}"#,
        r#"{"id":"b","title":"离心水泵","text":"叶轮"}"#,
    ];
    write(dir.path(), "corpus.jsonl", corpus.join("\n"));
    let queries = [r#"{"id":"q1","text":"頭髮"}"#, r#"{"id":"q2","text":"水泵"}"#];
    write(dir.path(), "queries.jsonl", queries.join("\n"));
    write(dir.path(), "qrels.tsv", "q1\ta\t1\nq2\tb\t1\n");
    let (out, err) = check(dir.path(), &compare, 0);
    contains(&out, "the first ten results of 0 differ");
    assert!(!err.contains("ERROR"), "nothing went wrong: {err}");
    // Without the way from traditional to simplified characters, the first query finds nothing.
    write(&changed, "t2s_chars.txt", "# none\n");
    let (out, _) = check(dir.path(), &compare, 0);
    contains(&out, "lose most");
    contains(&out, "−a@1");
    let (out, _) = check(dir.path(), &[&compare[..], &["--json"]].concat(), 0);
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&found["queries"], &found["changed"]), (&json!(2), &json!(1)));
    let ndcg = &found["measures"][0];
    assert_eq!((&ndcg["before"], &ndcg["after"]), (&json!(1.0), &json!(0.5)));
    assert_eq!(ndcg["difference"], -0.5);
    assert!(ndcg["low"].as_f64() >= Some(-1.0) && ndcg["high"].as_f64() <= Some(0.0));
    assert_eq!(found["items"][0]["before"], json!(["a"]));

    // The same without judgements, over a data folder.
    write(dir.path(), "records.jsonl", r#"{"id":"a","title":"头发护理"}"#);
    let import = ["import", "--kind", "policy", "--data", "data", "records.jsonl"];
    check(dir.path(), &import, 0);
    write(dir.path(), "asked.txt", "頭髮\n护理\n");
    let plain = ["evaluate", "--set", "data", "--queries", "asked.txt", "--compare", "changed"];
    let (out, err) = check(dir.path(), &plain, 0);
    contains(&out, "the first ten results of 1 differ");
    contains(&out, "−policy/a@1");
    assert!(!err.contains("ERROR"), "nothing went wrong: {err}");
    check(dir.path(), &["evaluate", "--set", ".", "--compare", "nothing"], 1);
}

/// A server that is ended with the test.
struct Server {
    child: Child,
    url: String,
    err: BufReader<std::process::ChildStderr>,
}

impl Server {
    fn start(dir: &Path, arguments: &[&str]) -> Self {
        let mut child =
            command(dir, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let err = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("kechuang is ready: ").expect(&line).to_owned();
        Self { child, url, err }
    }

    fn get(&self, path: &str) -> Value {
        reqwest::blocking::get(format!("{}{path}", self.url)).unwrap().json().unwrap()
    }

    /// Ends it as a service manager does; returns what it said.
    fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        let mut said = String::new();
        self.err.read_to_string(&mut said).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{said}");
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already when `stop` was called.
        let _ = self.child.kill();
    }
}

#[test]
fn an_empty_folder_is_filled_served_and_closed() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), &["--data", "d", "--listen", "127.0.0.1:0"]);
    let found = server.get("/v1/search?limit=1");
    assert!(found["total"].as_u64() > Some(100), "{found}");
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    let address = format!("127.0.0.1:{port}");
    let (_, err) = check(dir.path(), &["serve", "--data", "e", "--listen", &address], 1);
    contains(&err, &format!("port {port}"));
    contains(&err, "--listen");
    write(dir.path(), "rows.jsonl", "{\"id\":\"a\",\"title\":\"x\"}\n{\"id\":\"b\"}\n");
    let import = ["import", "--kind", "achievement", "--data", "d", "rows.jsonl"];
    contains(&check(dir.path(), &import, 1).1, "--server");
    let said = server.stop();
    let key = said.split_whitespace().find(|word| word.starts_with("kc_")).expect(&said).to_owned();

    // The folder stays as it is: no second sample, no second key.
    let server = Server::start(dir.path(), &["serve", "--data", "d", "--listen", "127.0.0.1:0"]);
    assert_eq!(server.get("/v1/search?limit=1")["total"], found["total"]);
    let url = server.url.clone();
    let import = ["import", "--kind", "achievement", "--server", &url, "--key", &key, "rows.jsonl"];
    contains(&check(dir.path(), &import, 3).1, "2 read, 1 written (1 new, 0 updated), 1 rejected");
    contains(&check(dir.path(), &import, 3).1, "1 written (0 new, 1 updated)");
    let import =
        ["import", "--kind", "achievement", "--server", &url, "--key", "kc_no_no", "rows.jsonl"];
    contains(&check(dir.path(), &import, 1).1, "401");
    assert!(!server.stop().contains("kc_"));

    let server =
        Server::start(dir.path(), &["serve", "--empty", "--data", "f", "--listen", "127.0.0.1:0"]);
    assert_eq!(server.get("/v1/search")["total"], 0);
    server.stop();
}

/// Counts the rows of a JSONL file, packed or not.
fn num_rows(path: &Path) -> usize {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        flate2::read::MultiGzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text.lines().filter(|line| !line.trim().is_empty()).count()
}

#[test]
fn files_of_real_data_go_in_whole() {
    let Some(shared) = std::env::var_os("KECHUANG_SHARED_DATA").map(PathBuf::from) else {
        eprintln!("SKIPPED: KECHUANG_SHARED_DATA names no folder of real data");
        return;
    };
    let dir = TempDir::new().unwrap();
    let maps = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/import-maps"));
    for (kind, map, file) in [
        ("achievement", "achievements.toml", "tech/achievements.jsonl"),
        ("demand", "demands.toml", "tech/demands.jsonl"),
        ("policy", "laws.toml", "policy/laws.jsonl.gz"),
        ("policy", "ncp_policies.toml", "policy/ncp_policies.jsonl.gz"),
        ("achievement", "papers.toml", "tech/papers.jsonl.gz"),
    ] {
        let path = shared.join(file);
        let map = maps.join(map);
        let import = [
            "import",
            "--kind",
            kind,
            "--map",
            map.to_str().unwrap(),
            "--data",
            "d",
            path.to_str().unwrap(),
        ];
        let (_, err) = check(dir.path(), &import, 0);
        let rows = num_rows(&path).to_string();
        let digits: String = err.lines().next().unwrap().replace(',', "");
        contains(&digits, &format!("{rows} read {rows} written ({rows} new 0 updated) 0 rejected"));
    }
}
