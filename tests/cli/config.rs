//! Where settings come from, what is wrong with them, and what `config` and `formats` print.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Done, Folder};

impl Folder {
    /// Runs with variables, given as `NAME=VALUE`.
    fn run_with(&self, variables: &[&str], args: &str) -> Done {
        let mut command = self.command(args);
        for variable in variables {
            let (name, value) = variable.split_once('=').unwrap();
            command.env(name, value);
        }
        super::finish(command)
    }

    /// Returns what `config --json` says of one setting.
    fn setting(&self, key: &str, variables: &[&str], args: &str) -> (Value, String) {
        let shown = self.run_with(variables, &format!("config --json {args}")).stdout();
        let shown: Vec<Value> = serde_json::from_str(&shown).unwrap();
        let found = shown.iter().find(|one| one["key"] == key).expect(key);
        (found["value"].clone(), found["origin"].as_str().unwrap().to_owned())
    }

    /// Writes a file, and asserts all that `config --check` has against it.
    #[track_caller]
    fn check_fails(&self, file: &str, expected: &str) {
        self.write("t.toml", file);
        self.run("config --check t.toml").fails(2, expected);
    }
}

#[test]
fn flags_come_before_environment_file_preset_and_default() {
    let folder = Folder::new();
    folder.write("t.toml", "# ours\nprefetch = 7\n");
    let check = |variables: &[&str], args: &str, value: &str, origin: &str| {
        let found = folder.setting("prefetch", variables, args);
        assert_eq!(found, (value.into(), origin.to_owned()), "{variables:?} {args}");
    };
    let set = "TRANSMOG_PREFETCH=8";
    let all = "--config t.toml --preset high-throughput";
    check(&[set], &format!("{all} --prefetch 9"), "9", "flag");
    check(&[set], all, "8", "environment TRANSMOG_PREFETCH");
    check(&["TRANSMOG_PREFETCH="], all, "7", "t.toml:2");
    check(&[], "--preset high-throughput", "4", "preset high-throughput");
    check(&[], "", "3", "default");
    check(&["TRANSMOG_CONFIG=t.toml"], "", "7", "t.toml:2");
    check(&["TRANSMOG_CONFIG=none.toml"], "--config t.toml", "7", "t.toml:2");
    check(&["TRANSMOG_PRESET=low-latency"], "", "1", "preset low-latency");
    check(&["TRANSMOG_PRESET=low-latency"], "--preset sequential", "0", "preset sequential");
    folder.write("t.toml", "preset = 'low-latency'\n");
    check(&[], "--config t.toml", "1", "preset low-latency");
    check(&["TRANSMOG_PRESET=sequential"], "--config t.toml", "0", "preset sequential");
}

#[test]
fn defaults_are_shown_under_every_strategy() {
    let folder = Folder::new();
    let size = "10000; with mega_batch 50000, from 10000 to 100000";
    for (strategy, defaults) in [
        ("fixed_size", &[("batch_size", size), ("batch_timeout", "1s")][..]),
        ("time_window", &[("batch_window", "1s")]),
        ("memory_based", &[("batch_memory", "1MiB")]),
        (
            "adaptive_size",
            &[
                ("batch_min_size", "10"),
                ("batch_max_size", "1000; with low_latency 1"),
                ("target_latency", "100ms"),
            ],
        ),
        (
            "low_latency",
            &[
                ("batch_max_size", "1000; with low_latency 1"),
                ("batch_wait", "1ms"),
                ("batch_eager", "true"),
            ],
        ),
        (
            "mega_batch",
            &[("batch_size", size), ("batch_parallel", "true"), ("batch_reuse_buffer", "true")],
        ),
    ] {
        let shown = folder.run(&format!("config --json --batch-strategy {strategy}")).stdout();
        let shown: Vec<Value> = serde_json::from_str(&shown).unwrap();
        let find = |key: &str| shown.iter().find(|one| one["key"] == key).expect(key);
        let always = [
            ("prefetch", "3"),
            ("max_retries", "3 with --on-error retry, else 0; object stores and HTTP: 8"),
            ("retry_backoff", "1s; object stores and HTTP: 100ms"),
            ("request_timeout", "30s"),
        ];
        for (key, value) in defaults.iter().chain(&always) {
            let (found, origin) = (&find(key)["value"], &find(key)["origin"]);
            assert_eq!((found, origin), (&(*value).into(), &"default".into()), "{key}");
        }
    }
    assert_eq!(folder.setting("batch_strategy", &[], "").0, "fixed_size");
}

#[test]
fn settings_reach_the_run_from_everywhere() {
    let folder = Folder::with_orders();
    folder.write("t.toml", "to = 'csv'\noutput = '-'\nselect = ['id', 'customer']\nquiet = true\n");
    let args = "convert orders.jsonl --config t.toml";
    let expected = "_tm_id,id,customer_name\n1,1,Ann\n2,2,Bo\n";
    let args = format!("{args} --arrays inline");
    assert_eq!(folder.run(&args).stdout(), expected);
    let expected = "_tm_id\tid\n1\t1\n2\t2\n";
    let done = folder.run_with(&["TRANSMOG_TO=tsv"], &format!("{args} --select id"));
    assert_eq!(done.stdout(), expected);
    let done = folder.run_with(&["TRANSMOG_SELECT=id\ncustomer.name"], &format!("{args} -- "));
    assert!(done.stdout().starts_with("_tm_id,id,customer_name\n"));
}

#[test]
fn every_setting_has_a_variable_and_a_key() {
    let folder = Folder::new();
    let shown = folder.run("config --json").stdout();
    let shown: Vec<Value> = serde_json::from_str(&shown).unwrap();
    assert!(shown.len() > 70, "{}", shown.len());
    for one in &shown {
        let text = |key: &str| one[key].as_str().unwrap();
        let accepts = text("accepts");
        let value = match (text("key"), accepts) {
            (_, "true|false") => "true",
            (_, number) if number.starts_with("N from ") => "10",
            (_, time) if time.starts_with("a time") => "30 seconds",
            (_, size) if size.starts_with("a size") => "64MiB",
            ("max_error_rate", _) => "5%",
            ("records", _) => "/a",
            ("compression", _) => "zstd:3",
            ("ids", _) => "hash",
            ("arrays_at", _) => "a=skip",
            ("type", _) => "a=text",
            ("encoding", _) => "latin1",
            ("summary", _) => "none",
            ("output", _) => "out/",
            ("store_option", _) => "region=eu-west-1",
            (_, "CHAR") => "|",
            (_, choice) if choice.contains('|') => choice.split('|').next().unwrap(),
            _ => "name",
        };
        // what others do not stand beside comes with what it needs
        let beside = match text("key") {
            "null" => "--files-from x",
            "seed" => "--sample 5",
            "schema_mode" => "--schema x",
            "batch_window" => "--batch-strategy time_window",
            "batch_memory" => "--batch-strategy memory_based",
            "batch_min_size" | "target_latency" => "--batch-strategy adaptive_size",
            "batch_max_size" | "batch_wait" | "batch_eager" => "--batch-strategy low_latency",
            "batch_parallel" | "batch_reuse_buffer" => "--batch-strategy mega_batch",
            "retry_backoff" | "source_retry_backoff" => "--on-error retry",
            "on_timeout" => "--timeout 5s",
            "metrics_interval" => "--metrics m.prom",
            "max_file_rows" => "--batch-strategy time_window",
            _ => "",
        };
        let variable = format!("{}={value}", text("env"));
        let found = folder.setting(text("key"), &[&variable], beside);
        let expected = if accepts.ends_with("a list") { [value][..].into() } else { value.into() };
        assert_eq!(found, (expected, format!("environment {}", text("env"))));

        let is_bare = accepts == "true|false" || accepts.starts_with("N from");
        let quote = if is_bare { "" } else { "'" };
        folder.write("t.toml", format!("\n{} = {quote}{value}{quote}\n", text("key")));
        let (_, origin) = folder.setting(text("key"), &[], &format!("--config t.toml {beside}"));
        assert_eq!(origin, "t.toml:2", "{}", text("key"));
        assert_eq!(text("flag"), format!("--{}", text("key").replace('_', "-")));
    }
}

#[test]
fn keys_may_stand_in_tables_and_under_their_other_names() {
    let folder = Folder::new();
    folder.write(
        "t.toml",
        "[batch]\nsize = 5\ntimeout = '2h'\n[source]\nmax_retries = 2\nretry-backoff = '1 s'\n",
    );
    let shown = folder.run("config --check t.toml").stdout();
    assert_eq!(shown, "t.toml: 4 settings, all fine\n");
    let check = |file: &str, key: &str, value: &str| {
        folder.write("t.toml", file);
        assert_eq!(folder.setting(key, &[], "--config t.toml").0, value, "{file}");
    };
    check("batch.size = 5", "batch_size", "5");
    check("batch = { size = 1_0 }", "batch_size", "10");
    check("failure_strategy = 'SendToDLQ'", "on_error", "SendToDLQ");
    check("batch.strategy = 'memory_based'\nbatch.memory_size = '1MB'", "batch_memory", "1MB");
    let latency = "batch.strategy = 'adaptive_size'\nbatch.target_latency = '1m'";
    check(latency, "target_latency", "1m");
    check("source_column = true", "source_column", "true");
    check("source_column = 'from'", "source_column", "from");
    let done = folder.setting("on_error", &["TRANSMOG_FAILURE_STRATEGY=FailBatch"], "");
    assert_eq!(done.0, "FailBatch");
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_its_line() {
    let folder = Folder::new();
    let file = "bacth_size = 5\nbatch_timeout = 30\nthreads = '4'\nto = 'cvs'\nforce = 'yes'\n\
                select = ['a',\n 5]\nmemory_limit = 64\nname = 7\nprefetch = 5000\n\
                max_error_rate = 5\npreset = 'low-latncy'\nlimit = 1.5\n[outptu]\n";
    folder.check_fails(
        file,
        "error: t.toml:1: `bacth_size`: there is no such setting\n\
         hint: did you mean `batch_size`?\n\
         error: t.toml:2: `batch_timeout`: expected a time with its unit, such as `250ms`, `30s`, \
         `5m` or `2h`, found `30`\n\
         hint: write it with its unit, as in `batch_timeout = \"30s\"`\n\
         error: t.toml:3: `threads`: expected a whole number from 1 to 1024, found `'4'`\n\
         hint: numbers stand without quotes, as in `threads = 4`\n\
         error: t.toml:4: `to`: expected `parquet`, `csv`, `tsv`, `jsonl`, `json`, `arrow`, found \
         `cvs`\n\
         hint: did you mean `csv`?\n\
         error: t.toml:5: `force`: expected `true` or `false`, found `'yes'`\n\
         error: t.toml:7: `select`: expected text in quotes, or a list of texts, found `5`\n\
         error: t.toml:8: `memory_limit`: expected a size with its unit, such as `64MiB`, `10MB` or \
         `1KiB`, found `64`\n\
         hint: write it with its unit, as in `memory_limit = \"64MiB\"`\n\
         error: t.toml:9: `name`: expected text in quotes, found `7`\n\
         hint: write `name = \"7\"`\n\
         error: t.toml:10: `prefetch`: expected a whole number from 0 to 1024, found `5000`\n\
         error: t.toml:11: `max_error_rate`: expected a share from 0% to 100%, such as `5%`, found \
         `5`\n\
         hint: write it with its unit, as in `max_error_rate = \"5%\"`\n\
         error: t.toml:12: `preset`: expected `default`, `low-latency`, `high-throughput`, \
         `ultra-throughput`, `memory-optimized`, `sequential`, `parallel`, `large-data`, \
         `fail-fast`, `partial-recovery`, found `low-latncy`\n\
         hint: did you mean `low-latency`?\n\
         error: t.toml:13: `limit`: expected a whole number from 0, found `1.5`\n\
         error: t.toml:14: `outptu`: there is no such setting\n\
         hint: did you mean `output`?\n",
    );
    let done = folder.run_with(
        &["TRANSMOG_THREADS=x", "TRANSMOG_BATCHSIZE=3", "TRANSMOG_FORCE=1", "TRANSMOG_HOME=/"],
        "convert --config none.toml",
    );
    done.fails_with(
        2,
        "error: TRANSMOG_BATCHSIZE: there is no such setting\n\
         hint: did you mean `TRANSMOG_BATCH_SIZE`?\n\
         error: TRANSMOG_FORCE: expected `true` or `false`, found `1`\n\
         error: TRANSMOG_THREADS: expected a whole number from 1 to 1024, found `x`\n\
         error: none.toml: reading the configuration failed: ",
    );
}

#[test]
fn values_of_other_kinds_are_shown_as_they_stand() {
    let folder = Folder::new();
    let check = |line: &str, expected: &str| {
        folder.check_fails(line, &format!("error: t.toml:1: {expected}\n"));
    };
    check("records = 1", "`records`: expected text in quotes, found `1`");
    check("name = 2024-01-01", "`name`: expected text in quotes, found `2024-01-01`");
    check("ids = ['a']", "`ids`: expected text in quotes, found `['a']`");
    check("threads = 1.0", "`threads`: expected a whole number from 1 to 1024, found `1.0`");
    check("prefetch = -1", "`prefetch`: expected a whole number from 0 to 1024, found `-1`");
    check("header = 1", "`header`: expected `true` or `false`, found `1`");
    check("batch = 5", "`batch`: expected a table, found `5`");
    check("map = [['a']]", "`map`: expected text in quotes, or a list of texts, found `['a']`");
    check("quote = 'ab'", "`quote`: expected one ASCII character or `none`, found `ab`");
    let hint = "\nhint: `transmog config` shows all settings";
    check("x = 1", &format!("`x`: there is no such setting{hint}"));
    check("\"\\n\" = 1", &format!("`\\n`: there is no such setting{hint}"));
}

#[test]
fn keys_stand_once() {
    let folder = Folder::new();
    folder.check_fails(
        "to = 'csv'\nbatch_size = 5\nto = 'json'\nbatch.size = 6\n",
        "error: t.toml:3: `to`: given twice, first in t.toml:1\n\
         error: t.toml:4: `batch.size`: given twice, first in t.toml:2\n",
    );
    let both = ["TRANSMOG_ON_ERROR=skip", "TRANSMOG_FAILURE_STRATEGY=FailBatch"];
    folder
        .run_with(&both, "config")
        .fails(2, "error: TRANSMOG_ON_ERROR: given twice, also as `TRANSMOG_FAILURE_STRATEGY`\n");
}

#[test]
fn faults_of_syntax_have_their_column() {
    let hint = "hint: text, times and sizes stand in quotes, as in `batch_timeout = \"30s\"`\n";
    Folder::new().check_fails(
        "ünknown = 1\n\"é\" = csv\n",
        &format!(
            "error: t.toml:1:1: expected TOML: invalid unquoted key, expected letters, numbers, \
             `-`, `_`\n{hint}\
             error: t.toml:2:7: expected TOML: string values must be quoted, expected literal \
             string\n{hint}"
        ),
    );
}

#[test]
fn what_cannot_stand_together_names_all_places() {
    let folder = Folder::with_orders();
    folder.check_fails(
        "to = 'csv'\nindent = 2\nbom = true\nbatch_window = '1s'\nseed = 5\nheader = true\n\
         no_header = true\nexecution = 'sequential'\nthreads = 4\n",
        "error: t.toml:6: `header` and `--no-header` exclude each other\n\
         hint: `no_header` is set in t.toml:7\n\
         error: t.toml:5: `seed`: expected `--sample` beside it\n\
         hint: leave `--seed` out, it would do nothing\n\
         error: t.toml:2: `indent`: expected `--to json`, found `--to csv`\n\
         hint: `to` is set in t.toml:1; leave `--indent` out, it would do nothing\n\
         error: t.toml:4: `batch_window`: expected `--batch-strategy` `time_window`, found \
         `fixed_size`\n\
         hint: leave `--batch-window` out, it would do nothing\n\
         error: t.toml:8: `--execution sequential`: expected one thread, found `--threads 4`\n\
         hint: `threads` is set in t.toml:9; leave `--threads` out\n",
    );
    folder.check_fails("escape = '!'\nquote = 'none'\n", "error: t.toml:1: `escape`: expected quotes, found `--quote none`\nhint: `quote` is set in t.toml:2\n");
    folder.write("t.toml", "batch.strategy = 'time_window'\nto = 'csv'\n");
    let done = folder
        .run_with(&["TRANSMOG_INDENT=2"], "convert orders.jsonl --config t.toml --batch-size 5");
    done.fails(
        2,
        "error: TRANSMOG_INDENT: expected `--to json`, found `--to csv`\n\
         hint: `to` is set in t.toml:2; leave `--indent` out, it would do nothing\n\
         error: `--batch-size`: expected `--batch-strategy` `fixed_size` or `mega_batch`, found \
         `time_window`\n\
         hint: `batch_strategy` is set in t.toml:1; leave `--batch-size` out, it would do nothing\n",
    );
    assert_eq!(folder.names("."), "orders.jsonl t.toml");
}

#[test]
fn what_a_file_leaves_open_is_not_held_against_it() {
    let folder = Folder::new();
    for file in [
        "",
        "# none\n",
        "indent = 2",
        "ids = 'none'",
        "framing = 'tar'",
        "force = true",
        "[batch]\n",
    ] {
        folder.write("t.toml", file);
        let shown = folder.run_with(&["TRANSMOG_THREADS=x"], "config --check t.toml").stdout();
        assert!(shown.ends_with(", all fine\n"), "{file}: {shown}");
    }
    folder.run("config --check t.toml --to csv").fails(
        2,
        "error: `--check`: expected nothing beside its file, found `--to`\n\
         hint: `transmog config --config FILE` takes flags besides\n",
    );
}

#[test]
fn presets_work_alone_and_give_way() {
    let folder = Folder::with_orders();
    let formats = folder.run("formats --json").stdout();
    let formats: Value = serde_json::from_str(&formats).unwrap();
    for preset in formats["presets"].as_array().unwrap() {
        let name = preset["name"].as_str().unwrap();
        let shown = folder.run(&format!("config --preset {name}")).stdout();
        assert!(!shown.contains("Not applied"), "{name}: {shown}");
        for (key, value) in preset["settings"].as_object().into_iter().flatten() {
            let found = folder.setting(key, &[], &format!("--preset {name}"));
            assert_eq!(found, (value.clone(), format!("preset {name}")));
        }
        for strategy in formats["batch_strategies"].as_array().unwrap() {
            let strategy = strategy["name"].as_str().unwrap();
            let args = format!("--preset {name} --batch-strategy {strategy} --threads 3");
            folder.run(&format!("config {args}")).stdout();
        }
        for to in formats["outputs"].as_array().unwrap() {
            let to = to["name"].as_str().unwrap();
            let args = format!("convert orders.jsonl --to {to} -o {name}/ --force -q");
            folder.run(&format!("{args} --preset {name}")).stdout();
        }
    }
    let shown = folder.run("config --preset large-data --batch-strategy low_latency").stdout();
    assert!(
        shown.ends_with(
            "\nNot applied:\n  batch_size = 50000 of preset large-data: `--batch-size`: expected \
             `--batch-strategy` `fixed_size` or `mega_batch`, found `low_latency`\n"
        ),
        "{shown}"
    );
}

/// The rows of the manual: a name, and the settings as a file has them.
#[test]
fn the_manual_has_the_presets_as_they_are() {
    let folder = Folder::new();
    let formats: Value = serde_json::from_str(&folder.run("formats --json").stdout()).unwrap();
    let manual = include_str!("../../docs/configuration.md");
    let rows = manual.lines().skip_while(|line| !line.starts_with("| preset |")).skip(2);
    let rows: Vec<Vec<&str>> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let presets = formats["presets"].as_array().unwrap();
    assert_eq!(rows.len(), presets.len());
    for (row, preset) in rows.iter().zip(presets) {
        let [name, purpose, settings] = row[..] else { panic!("{row:?}") };
        assert_eq!(name.trim_matches('`'), preset["name"]);
        assert_eq!(purpose, preset["purpose"]);
        let settings: Vec<_> = settings.split('`').skip(1).step_by(2).collect();
        folder.write("t.toml", settings.join("\n"));
        folder.run("config --check t.toml").stdout();
        let pairs = settings.iter().map(|setting| {
            let (key, value) = setting.split_once(" = ").unwrap();
            (key.to_owned(), Value::from(value.trim_matches('"')))
        });
        let expected = &preset["settings"];
        assert_eq!(&Value::Object(pairs.collect()), expected, "{name}");
    }
}

#[test]
fn variables_of_others_are_shown_and_not_used() {
    let shown = Folder::new().run_with(&["TRANSMOG_HOMEPAGE=x"], "config").stdout();
    assert!(shown.ends_with("\nNot known, and not used:\n  TRANSMOG_HOMEPAGE\n"), "{shown}");
}

#[test]
fn formats_lists_what_is_built_in() {
    let folder = Folder::new();
    let text = folder.run("formats").stdout();
    for line in ["  gzip   .gz .gzip    1F 8B", "  parquet  .parquet .pq", "  low-latency  "] {
        assert!(text.lines().any(|one| one.starts_with(line)), "{line}\n{text}");
    }
    let json: Value = serde_json::from_str(&folder.run("formats --json").stdout()).unwrap();
    let keys: BTreeSet<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["batch_strategies", "codecs", "compressions", "inputs", "outputs", "presets"];
    assert_eq!(keys, BTreeSet::from(expected));
    assert_eq!(json["outputs"].as_array().unwrap().len(), 6);
}
