//! What the users of [`Sink`] see, whatever the parts do.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

use std::fs;
use std::sync::Mutex;

use super::*;

fn open(destination: Destination, overwrite: Overwrite) -> Result<Sink, Error> {
    Sink::open(SinkOptions { overwrite, ..SinkOptions::new(destination, "csv") })
}

fn staged(sink: &mut Sink, index: usize, table: &str, content: &str) -> Staged {
    let staged = sink.create(index, table, index == 0).unwrap();
    // in two pieces: every opening goes on where the last one ended
    let (head, tail) = content.split_at(content.len() / 2);
    staged.append().unwrap().write_all(head.as_bytes()).unwrap();
    staged.append().unwrap().write_all(tail.as_bytes()).unwrap();
    staged
}

/// Returns every file below `folder` with its content, hidden ones too.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let content = fs::read_to_string(entry.path()).unwrap_or_default();
            (entry.file_name().into_string().unwrap(), content)
        })
        .collect();
    found.sort();
    found
}

fn names(folder: &Path) -> Vec<String> {
    files(folder).into_iter().map(|(name, _)| name).collect()
}

fn refusal<T>(result: Result<T, Error>) -> (ErrorKind, String) {
    let error = result.err().expect("a refusal");
    (error.kind(), format!("{error} / {}", error.hint().unwrap_or("no hint")))
}

#[test]
fn a_table_that_is_on_the_disk_already_is_published_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink =
        open(Destination::Directory(folder.path().to_owned()), Overwrite::Refuse).unwrap();
    let main = staged(&mut sink, 0, "orders", "main").on_disk().unwrap();
    let child = staged(&mut sink, 1, "orders_items", "child").on_disk().unwrap();
    // another file in its place is not ours to publish
    let copy = folder.path().join("copy");
    fs::copy(child.path(), &copy).unwrap();
    fs::rename(&copy, child.path()).unwrap();
    assert_eq!(refusal(sink.commit(vec![main, child], vec![], vec![])).0, ErrorKind::Io);

    let mut sink =
        open(Destination::Directory(folder.path().to_owned()), Overwrite::Refuse).unwrap();
    let main = staged(&mut sink, 0, "orders", "main").on_disk().unwrap();
    sink.commit(vec![main], vec![], vec![]).unwrap();
    assert_eq!(files(folder.path()), [("orders.csv".to_owned(), "main".to_owned())]);
}

#[test]
fn directory_gets_one_file_per_table() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/deep");
    let mut sink = open(Destination::Directory(out.clone()), Overwrite::Refuse).unwrap();
    let child = staged(&mut sink, 1, "orders_items", "child");
    let main = staged(&mut sink, 0, "orders", "main");
    assert_eq!(main.file_name(), "orders.csv");
    assert_eq!(main.bytes().unwrap(), 4);
    // the whole directory appears at once, under one hidden name until then
    let hidden = names(folder.path());
    assert!(hidden.len() == 1 && hidden[0].starts_with(".transmog-"), "{hidden:?}");
    let published = sink.commit(vec![child, main], vec![], vec![]).unwrap();
    assert_eq!(
        published,
        [("orders.csv", 0, 4), ("orders_items.csv", 1, 5)].map(|(name, table_index, bytes)| {
            Published { table_index, path: Some(out.join(name)), bytes }
        })
    );
    let expected = [("orders.csv", "main"), ("orders_items.csv", "child")];
    assert_eq!(files(&out), expected.map(|(name, text)| (name.into(), text.into())));
}

#[test]
fn file_has_its_name_and_children_avoid_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Orders.csv");
    let mut sink = open(Destination::File(path), Overwrite::Refuse).unwrap();
    sink.reserve("orders.rejects.csv");
    let tables = vec![
        staged(&mut sink, 0, "orders", "main"),
        staged(&mut sink, 1, "orders", "1"),
        staged(&mut sink, 2, "orders.rejects", "2"),
    ];
    sink.commit(tables, vec![], vec![]).unwrap();
    assert_eq!(names(folder.path()), ["Orders.csv", "orders.rejects_2.csv", "orders_2.csv"]);
}

#[test]
fn keys_do_not_lead_out_of_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut sink = open(Destination::Directory(out.clone()), Overwrite::Refuse).unwrap();
    let evil = ["../../evil", "/abs/evil", "..", "a/b", "C:\\x", "nul\0"];
    let tables: Vec<_> =
        evil.iter().enumerate().map(|(index, key)| staged(&mut sink, index, key, "x")).collect();
    sink.commit(tables, vec![], vec![]).unwrap();
    assert_eq!(names(folder.path()), ["out"]);
    assert_eq!(names(&out).len(), evil.len());
}

#[test]
fn dropping_all_removes_files_and_new_directories() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/deep");
    for sink_goes_first in [true, false] {
        let destination = Destination::Directory(out.clone());
        let mut sink = open(destination, Overwrite::Refuse).unwrap();
        let scratch = sink.scratch().unwrap();
        let table = staged(&mut sink, 0, "orders", "main");
        if sink_goes_first {
            drop(sink);
            drop((table, scratch));
        } else {
            drop((table, scratch));
            drop(sink);
        }
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}

#[test]
fn directories_that_were_there_or_are_in_use_stay() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    drop(open(Destination::Directory(out.clone()), Overwrite::Refuse).unwrap());
    assert!(out.is_dir());
    let new = out.join("new");
    let sink = open(Destination::Directory(new.clone()), Overwrite::Refuse).unwrap();
    fs::create_dir(&new).unwrap();
    fs::write(new.join("notes"), "x").unwrap();
    drop(sink);
    assert_eq!(names(&new), ["notes"]);
    let empty = out.join("empty");
    let sink = open(Destination::Directory(empty.clone()), Overwrite::Refuse).unwrap();
    assert_eq!(sink.commit(Vec::new(), vec![], vec![]).unwrap(), []);
    assert!(empty.is_dir());
}

#[test]
fn existing_files_are_refused_unless_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    let child = folder.path().join("items.csv");
    fs::write(&path, "old").unwrap();
    let (kind, text) = refusal(open(Destination::File(path.clone()), Overwrite::Refuse));
    assert_eq!(kind, ErrorKind::OutputExists);
    assert!(text.ends_with("orders.csv: exists / use `--force` to replace it"), "{text}");
    let destination = || Destination::Directory(folder.path().into());
    let mut sink = open(destination(), Overwrite::Refuse).unwrap();
    assert_eq!(refusal(sink.check_table("orders")).0, ErrorKind::OutputExists);
    assert_eq!(refusal(sink.create(0, "orders", true)).0, ErrorKind::OutputExists);
    drop(sink);
    assert_eq!(files(folder.path()), [("orders.csv".into(), "old".into())]);

    fs::write(&child, "old child").unwrap();
    let mut sink = open(Destination::File(path.clone()), Overwrite::Replace).unwrap();
    let tables =
        vec![staged(&mut sink, 0, "orders", "new"), staged(&mut sink, 1, "items", "new child")];
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    sink.commit(tables, vec![], vec![]).unwrap();
    let expected = [("items.csv", "new child"), ("orders.csv", "new")];
    assert_eq!(
        files(folder.path()),
        expected.map(|(name, text)| (name.to_owned(), text.to_owned()))
    );
}

#[test]
fn a_name_that_appears_during_the_run_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let destination = Destination::Directory(folder.path().into());
    let mut sink = open(destination, Overwrite::Refuse).unwrap();
    let tables = vec![staged(&mut sink, 0, "a", "new"), staged(&mut sink, 1, "b", "new")];
    fs::write(folder.path().join("a.csv"), "other").unwrap();
    assert_eq!(refusal(sink.commit(tables, vec![], vec![])).0, ErrorKind::OutputExists);
    assert_eq!(files(folder.path()), [("a.csv".into(), "other".into())]);
}

#[test]
fn places_that_cannot_hold_outputs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("dir.csv")).unwrap();
    fs::write(at("file"), "x").unwrap();
    let cases = [
        (Destination::File(at("dir.csv")), "expected a regular file, found a directory"),
        (Destination::File(at("slash/")), "expected the path of a file"),
        (Destination::File(at("gone/x.csv")), "expected a directory, found nothing"),
        (Destination::File(at("file/x.csv")), "expected a directory, found a file"),
        (Destination::Directory(at("file")), "expected a directory, found a file"),
        (Destination::Directory(at("file/sub")), "expected a directory, found a file"),
    ];
    for (destination, expected) in cases {
        let (kind, text) = refusal(open(destination, Overwrite::Replace));
        assert_eq!(kind, ErrorKind::Usage, "{text}");
        assert!(text.contains(expected), "{text}");
    }
    assert_eq!(names(folder.path()), ["dir.csv", "file"]);
}

#[cfg(unix)]
#[test]
fn devices_and_what_leads_to_them_stay() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("null.csv");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    for path in [PathBuf::from("/dev/null"), link.clone()] {
        for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
            // who may not write to `/dev` is refused for that
            let (_, text) = refusal(open(Destination::File(path.clone()), overwrite));
            assert!(text.contains("found a device / `-o -`") || text.contains("/dev: making"));
        }
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[cfg(unix)]
#[test]
fn planted_links_are_replaced_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let victim = folder.path().join("victim");
    fs::create_dir(&out).unwrap();
    fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, out.join("a.csv")).unwrap();
    std::os::unix::fs::symlink("nowhere", out.join("b.csv")).unwrap();
    let destination = || Destination::Directory(out.clone());
    let mut sink = open(destination(), Overwrite::Refuse).unwrap();
    for table in ["a", "b"] {
        assert_eq!(refusal(sink.create(0, table, false)).0, ErrorKind::OutputExists);
    }
    drop(sink);
    let mut sink = open(destination(), Overwrite::Replace).unwrap();
    let tables = vec![staged(&mut sink, 0, "a", "new"), staged(&mut sink, 1, "b", "new")];
    sink.commit(tables, vec![], vec![]).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert_eq!(names(&out), ["a.csv", "b.csv"]);
    assert!(fs::symlink_metadata(out.join("a.csv")).unwrap().is_file());
}

#[cfg(unix)]
#[test]
fn a_temporary_file_that_was_swapped_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let out = folder.path().join("out");
    let mut sink = open(Destination::Directory(out.clone()), Overwrite::Refuse).unwrap();
    let table = staged(&mut sink, 0, "a", "x");
    let hidden = table.path().to_owned();
    fs::remove_file(&hidden).unwrap();
    std::os::unix::fs::symlink(&victim, &hidden).unwrap();
    assert!(refusal(table.append()).1.contains("expected our temporary file"));
    assert_eq!(refusal(sink.commit(vec![table], vec![], vec![])).0, ErrorKind::Io);
    assert_eq!(names(folder.path()), ["victim"]);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[cfg(unix)]
#[test]
fn an_input_is_never_an_output() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.json");
    fs::write(&input, "{}").unwrap();
    fs::hard_link(&input, folder.path().join("hard.csv")).unwrap();
    std::os::unix::fs::symlink(&input, folder.path().join("soft.csv")).unwrap();
    let inputs = || vec![InputFile::of(&input, &fs::metadata(&input).unwrap()).unwrap()];
    for name in ["in.json", "hard.csv", "soft.csv"] {
        let destination = Destination::File(folder.path().join(name));
        let mut sink = open(destination, Overwrite::Replace).unwrap();
        let (kind, text) = refusal(sink.refuse_inputs(inputs()));
        assert_eq!(kind, ErrorKind::Usage);
        assert!(text.contains("in.json`"), "{text}");
    }
    let destination = Destination::Directory(folder.path().into());
    let mut sink = open(destination, Overwrite::Replace).unwrap();
    sink.refuse_inputs(inputs()).unwrap();
    assert_eq!(refusal(sink.create(0, "hard", true)).0, ErrorKind::Usage);
    assert_eq!(refusal(sink.check_table("soft")).0, ErrorKind::Usage);
}

#[cfg(unix)]
#[test]
fn outputs_have_the_mode_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let usual = folder.path().join("usual");
    fs::write(&usual, "x").unwrap();
    let path = folder.path().join("a.csv");
    let mut sink = open(Destination::File(path.clone()), Overwrite::Refuse).unwrap();
    let table = staged(&mut sink, 0, "a", "x");
    sink.commit(vec![table], vec![], vec![]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&usual));
}

#[test]
fn scratch_becomes_content() {
    let folder = tempfile::tempdir().unwrap();
    let destination = Destination::Directory(folder.path().into());
    let mut sink = open(destination, Overwrite::Refuse).unwrap();
    let mut table = staged(&mut sink, 0, "a", "before");
    let scratch = table.scratch().unwrap();
    scratch.append().unwrap().write_all(b"after").unwrap();
    table.replace_with(scratch).unwrap();
    assert_eq!(io::read_to_string(table.read().unwrap()).unwrap(), "after");
    let left = sink.scratch().unwrap();
    sink.commit(vec![table], vec![], vec![]).unwrap();
    drop(left);
    assert_eq!(files(folder.path()), [("a.csv".into(), "after".into())]);
}

#[test]
fn long_and_many_names_work() {
    let folder = tempfile::tempdir().unwrap();
    let destination = Destination::Directory(folder.path().into());
    let mut sink = open(destination, Overwrite::Refuse).unwrap();
    let long = "é/".repeat(5000);
    let tables: Vec<_> = (0..300).map(|index| staged(&mut sink, index, &long, "content")).collect();
    assert_eq!(sink.commit(tables, vec![], vec![]).unwrap().len(), 300);
    assert_eq!(names(folder.path()).len(), 300);
}

/// What a library user's writer got, and how it behaves.
#[derive(Clone, Default)]
struct Shared {
    bytes: Arc<Mutex<Vec<u8>>>,
    fails: Option<io::ErrorKind>,
    fails_in_flush: bool,
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.fails {
            Some(kind) if !self.fails_in_flush => Err(kind.into()),
            _ => {
                // short writes
                let count = bytes.len().min(1000);
                self.bytes.lock().unwrap().extend(&bytes[..count]);
                Ok(count)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.fails.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

fn stream(writer: &Shared, framing: Framing, temp_dir: &Path) -> Sink {
    let destination = Destination::Writer(Box::new(writer.clone()), framing);
    let (overwrite, temp_dir) = (Overwrite::Refuse, Some(temp_dir.to_owned()));
    Sink::open(SinkOptions { overwrite, temp_dir, ..SinkOptions::new(destination, "jsonl") })
        .unwrap()
}

#[test]
fn stream_gets_tables_in_order_and_only_at_commit() {
    let temp = tempfile::tempdir().unwrap();
    let got = Shared::default();
    let mut sink = stream(&got, Framing::Tagged, temp.path());
    let child = staged(&mut sink, 1, "b", &"child\n".repeat(200_000));
    let main = staged(&mut sink, 0, "a", "main\n");
    assert_eq!(*got.bytes.lock().unwrap(), b"");
    let published = sink.commit(vec![child, main], vec![], vec![]).unwrap();
    let expected = "main\n".to_owned() + &"child\n".repeat(200_000);
    assert!(*got.bytes.lock().unwrap() == expected.as_bytes());
    let shape = |p: &Published| (p.table_index, p.path.is_some(), p.bytes);
    assert_eq!(
        published.iter().map(shape).collect::<Vec<_>>(),
        [(0, false, 5), (1, false, 1_200_000)]
    );
    assert_eq!(names(temp.path()), Vec::<String>::new());
}

#[test]
fn a_stream_of_one_table_refuses_a_second() {
    let temp = tempfile::tempdir().unwrap();
    let mut sink = stream(&Shared::default(), Framing::One, temp.path());
    let _first = sink.create(0, "a", true).unwrap();
    let (kind, text) = refusal(sink.create(1, "b\u{1b}", false));
    assert_eq!(kind, ErrorKind::Usage);
    assert!(text.contains("found a second, `b\\u{1b}`"), "{text}");
}

#[test]
fn tar_reads_back_and_is_the_same_each_time() {
    let temp = tempfile::tempdir().unwrap();
    let long = "long/".repeat(100);
    let tables = [("a", "main\n".repeat(1000)), ("../b", String::new()), (&long, "x".into())];
    let make = || {
        let got = Shared::default();
        let mut sink = stream(&got, Framing::Tar, temp.path());
        let staged: Vec<_> = (tables.iter().enumerate())
            .map(|(index, (name, text))| staged(&mut sink, index, name, text))
            .collect();
        let long_name = staged[2].file_name().to_owned();
        sink.commit(staged, vec![], vec![]).unwrap();
        let bytes = got.bytes.lock().unwrap().clone();
        (bytes, long_name)
    };
    let (bytes, long_name) = make();
    assert_eq!(bytes, make().0);
    assert_eq!(bytes.len() % 512, 0);
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut entries = archive.entries().unwrap();
    for (name, (_, text)) in ["a.jsonl", "%2E%2E%2Fb.jsonl", &long_name].iter().zip(&tables) {
        let entry = entries.next().unwrap().unwrap();
        let header = entry.header();
        assert_eq!(entry.path().unwrap(), Path::new(name));
        assert_eq!((header.mode().unwrap(), header.mtime().unwrap()), (0o644, 0));
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        assert!(header.entry_type().is_file());
        assert_eq!(io::read_to_string(entry).unwrap(), *text);
    }
    assert!(entries.next().is_none());
}

#[test]
fn failures_of_a_stream_are_told() {
    let temp = tempfile::tempdir().unwrap();
    let kinds = [
        (io::ErrorKind::BrokenPipe, ErrorKind::ClosedPipe),
        (io::ErrorKind::StorageFull, ErrorKind::Io),
    ];
    for (cause, expected) in kinds {
        for framing in [Framing::One, Framing::Tagged, Framing::Tar] {
            for fails_in_flush in [false, true] {
                let fails = Some(cause);
                let writer = Shared { fails, fails_in_flush, ..Shared::default() };
                let mut sink = stream(&writer, framing, temp.path());
                let table = staged(&mut sink, 0, "a", "content");
                assert_eq!(refusal(sink.commit(vec![table], vec![], vec![])).0, expected);
                assert_eq!(names(temp.path()), Vec::<String>::new());
            }
        }
    }
}

#[test]
fn two_tables_of_one_name_are_a_bug() {
    let folder = tempfile::tempdir().unwrap();
    let destination = Destination::Directory(folder.path().into());
    let mut sink = open(destination, Overwrite::Replace).unwrap();
    let mut tables = vec![staged(&mut sink, 0, "a", "x"), staged(&mut sink, 1, "b", "x")];
    tables[1].file_name = "A.csv".to_owned();
    assert_eq!(refusal(sink.commit(tables, vec![], vec![])).0, ErrorKind::Internal);
    assert_eq!(names(folder.path()), Vec::<String>::new());
}
