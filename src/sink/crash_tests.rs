//! Runs that die at every step, runs at once, and what others put in our way.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::crash;
use super::journal::{Change, Identity, Journal, Kept, State};
use super::lock::{self, Attempt};
use super::recover::settle;
use super::{Access, Destination, Overwrite, Sink, SinkOptions};
use crate::error::Error;

/// What a directory holds, without what is hidden.
type Files = Vec<(String, String)>;

fn files(folder: &Path, hidden: bool) -> Files {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<_> = (entries.map(Result::unwrap))
        .map(|entry| {
            let content = fs::read_to_string(entry.path()).unwrap_or_default();
            (entry.file_name().into_string().unwrap(), content)
        })
        .filter(|(name, _)| name.starts_with(".transmog-") == hidden)
        .collect();
    found.sort();
    found
}

fn owned(expected: &[(&str, &str)]) -> Files {
    expected.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
}

fn open(out: &Path, overwrite: Overwrite) -> Result<Sink, Error> {
    let destination = Destination::Directory(out.to_owned());
    Sink::open(SinkOptions { overwrite, ..SinkOptions::new(destination, "csv") })
}

/// Two directories: for tables, and for a file that is none.
struct Place {
    _root: TempDir,
    out: PathBuf,
    side: PathBuf,
}

/// What lies in both directories.
#[derive(Debug, PartialEq, Eq, Clone)]
struct Seen(Files, Files);

impl Place {
    fn new(out: &[(&str, &str)], side: &[(&str, &str)]) -> Place {
        let root = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(root.path()).unwrap();
        let place = Place { _root: root, out: base.join("out"), side: base.join("side") };
        for (directory, files) in [(&place.out, out), (&place.side, side)] {
            for (name, text) in files {
                fs::create_dir_all(directory).unwrap();
                fs::write(directory.join(name), text).unwrap();
            }
        }
        fs::create_dir_all(&place.side).unwrap();
        place
    }

    /// Publishes three tables, a file beside them or elsewhere, and drops another.
    fn publish(&self, overwrite: Overwrite, side: &Path) -> Result<(), Error> {
        let mut sink = open(&self.out, overwrite)?;
        let rejects = sink.side(&side.join("r"), Access::Owner)?;
        let absent = sink.side(&side.join("s"), Access::Umask)?;
        let staged = sink.stage_side(&rejects)?;
        staged.append()?.write_all(b"new").unwrap();
        let mut tables = Vec::new();
        for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
            let table = sink.create(index, name, index == 0)?;
            table.append()?.write_all(b"new").unwrap();
            tables.push(table);
        }
        sink.commit(tables, vec![staged], vec![absent]).map(|_| ())
    }

    fn seen(&self) -> Seen {
        Seen(files(&self.out, false), files(&self.side, false))
    }

    fn hidden(&self) -> usize {
        let parent = self.out.parent().unwrap();
        [parent, &self.out, &self.side].iter().map(|at| files(at, true).len()).sum()
    }
}

/// Lets a run die at every point, and the next settle what it left, from either directory; the
/// settling dies too.
fn check(
    overwrite: Overwrite,
    out: &[(&str, &str)],
    side: &[(&str, &str)],
    is_elsewhere: bool,
    expected: &Seen,
) {
    let (mut olds, mut news) = (0, 0);
    for at in 0.. {
        let place = Place::new(out, side);
        let old = place.seen();
        let target = if is_elsewhere { &place.side } else { &place.out };
        if let Some(lived) = crash::run_to(at, || place.publish(overwrite, target)) {
            lived.unwrap();
            assert_eq!((place.seen(), place.hidden()), (expected.clone(), 0));
            break;
        }
        let mut first = if at % 2 == 0 { &place.out } else { &place.side };
        if !first.is_dir() {
            first = &place.side;
        }
        for again in 0.. {
            let settle = || settle(&[first]).map(|_| ());
            if let Some(lived) = crash::run_to(again % 7, settle) {
                lived.unwrap();
                break;
            }
        }
        let parent = place.out.parent().unwrap();
        for directory in [&place.out, &place.side, parent] {
            if directory.is_dir() {
                settle(&[directory]).unwrap();
            }
        }
        let seen = place.seen();
        assert_eq!(place.hidden(), 0, "point {at}");
        match (seen == old, seen == *expected) {
            (true, _) => olds += 1,
            (_, true) => news += 1,
            _ => panic!("point {at}: a mixture, {seen:?}"),
        }
    }
    assert!(olds > 5 && news > 0, "{olds} {news}");
}

const NEW: [(&str, &str); 3] = [("a.csv", "new"), ("b.csv", "new"), ("c.csv", "new")];

fn with<'a>(more: &[(&'a str, &'a str)]) -> Files {
    owned(&[NEW.as_slice(), more].concat())
}

#[test]
fn a_run_that_died_in_a_directory_leaves_all_or_nothing() {
    let beside = Seen(with(&[("r", "new"), ("x", "mine")]), owned(&[]));
    check(Overwrite::Refuse, &[("x", "mine")], &[], false, &beside);
    let elsewhere = Seen(with(&[("x", "mine")]), owned(&[("r", "new")]));
    check(Overwrite::Refuse, &[("x", "mine")], &[], true, &elsewhere);
}

#[test]
fn a_run_that_died_while_replacing_leaves_all_or_nothing() {
    let old = [("a.csv", "old a"), ("c.csv", "old c"), ("r", "old r"), ("s", "old s")];
    check(Overwrite::Replace, &old, &[], false, &Seen(with(&[("r", "new")]), owned(&[])));
    let expected = Seen(with(&[]), owned(&[("r", "new")]));
    check(Overwrite::Replace, &old[..2], &old[2..], true, &expected);
}

#[test]
fn a_run_that_died_before_a_new_directory_leaves_all_or_nothing() {
    check(Overwrite::Refuse, &[], &[], false, &Seen(with(&[("r", "new")]), owned(&[])));
    let expected = Seen(with(&[]), owned(&[("r", "new")]));
    check(Overwrite::Refuse, &[], &[("s2", "x")], true, &{
        let Seen(out, mut side) = expected;
        side.push(("s2".into(), "x".into()));
        Seen(out, side)
    });
}

/// Publishes two tables, a reject file and a file that comes last, in this directory or one above.
fn publish_with_last(place: &Place, overwrite: Overwrite, last: &Path) -> Result<(), Error> {
    let mut sink = open(&place.out, overwrite)?;
    let sides = [
        sink.side(&last.join("m"), Access::Umask)?.last(),
        sink.side(&place.out.join("r"), Access::Owner)?,
    ];
    let mut staged = Vec::new();
    for side in &sides {
        staged.push(sink.stage_side(side)?);
        staged[staged.len() - 1].append()?.write_all(b"new").unwrap();
    }
    let mut tables = Vec::new();
    for (index, name) in ["a", "b"].into_iter().enumerate() {
        tables.push(sink.create(index, name, index == 0)?);
        tables[index].append()?.write_all(b"new").unwrap();
    }
    sink.commit(tables, staged, Vec::new()).map(drop)
}

#[test]
fn who_finds_the_last_file_finds_all_others() {
    let all_old = [("a.csv", "old"), ("b.csv", "old"), ("r", "old"), ("m", "old")];
    for (old, is_above) in
        [(&all_old[..], false), (&all_old[..3], true), (&[("x", "mine")], false), (&[], true)]
    {
        let mut seen = 0;
        for at in 0.. {
            let place = Place::new(old, &[]);
            let above = place.out.parent().unwrap();
            let last = if is_above { above } else { &place.out };
            let publish = || publish_with_last(&place, Overwrite::Replace, last);
            let lived = crash::run_to(at, publish);
            let is_new = |path: PathBuf| fs::read(path).is_ok_and(|content| content == b"new");
            let others = ["a.csv", "b.csv", "r"].map(|name| is_new(place.out.join(name)));
            if is_new(last.join("m")) {
                assert_eq!(others, [true; 3], "point {at}");
                seen += 1;
            }
            let is_main_first = others[0] && !others[1];
            assert!(!is_main_first, "point {at}");
            if let Some(lived) = lived {
                lived.unwrap();
                break;
            }
            // what the next run settles is whole
            for directory in [above, &place.out] {
                if directory.is_dir() {
                    settle(&[directory]).unwrap();
                }
            }
            let others = ["a.csv", "b.csv", "r"].map(|name| is_new(place.out.join(name)));
            assert_eq!(others, [is_new(last.join("m")); 3], "point {at}");
            assert_eq!(files(above, true).len() + files(&place.out, true).len(), 0, "point {at}");
        }
        assert!(seen > 2, "{seen}");
    }
}

#[test]
fn what_appeared_since_is_not_replaced() {
    for at in 0.. {
        let place = Place::new(&[("a.csv", "old")], &[]);
        let publish = || place.publish(Overwrite::Replace, &place.out);
        if crash::run_to(at, publish).is_some() {
            break;
        }
        fs::write(place.out.join("t"), "theirs").unwrap();
        fs::rename(place.out.join("t"), place.out.join("c.csv")).unwrap();
        settle(&[&place.out]).unwrap();
        assert_eq!(fs::read_to_string(place.out.join("c.csv")).unwrap(), "theirs");
        let a = fs::read_to_string(place.out.join("a.csv")).unwrap();
        let b = place.out.join("b.csv").exists();
        assert!((a == "old" && !b) || (a == "new" && b), "point {at}: {:?}", place.seen());
    }
}

#[test]
fn the_next_run_settles_first_and_says_so() {
    let place = Place::new(&[("x", "mine")], &[]);
    let publish = || place.publish(Overwrite::Refuse, &place.out);
    let mut at = 0;
    // up to where the commit is decided and nothing renamed yet
    while !files(&place.out, false).iter().any(|(name, _)| name == "b.csv") {
        assert!(crash::run_to(at, publish).is_none());
        if files(&place.out, true).is_empty() {
            break;
        }
        let stage = place.out.join(&files(&place.out, true)[0].0);
        if matches!(Journal::read(&stage).unwrap(), State::Forward(_)) {
            break;
        }
        fs::remove_dir_all(stage).unwrap();
        at += 1;
    }
    let sink = open(&place.out, Overwrite::Refuse).unwrap();
    assert!(sink.notes()[0].is_settled);
    let text = &sink.notes()[0].text;
    assert!(text.ends_with("publishing 4 files had been interrupted and was finished"), "{text}");
    let error = sink.check_table("a").unwrap_err();
    assert!(error.hint().unwrap().contains("had been interrupted"), "{error:?}");
    drop(sink);
    assert_eq!(place.seen().0, with(&[("r", "new"), ("x", "mine")]));
}

#[test]
fn files_of_live_runs_stay() {
    let place = Place::new(&[("x", "mine")], &[]);
    let mut live = open(&place.out, Overwrite::Refuse).unwrap();
    let table = live.create(0, "a", true).unwrap();
    table.append().unwrap().write_all(b"live").unwrap();
    drop(open(&place.out, Overwrite::Refuse).unwrap());
    assert!(settle(&[&place.out]).unwrap().into_notes().is_empty());
    live.commit(vec![table], vec![], vec![]).unwrap();
    assert_eq!(place.seen().0, owned(&[("a.csv", "live"), ("x", "mine")]));
}

#[test]
fn who_holds_a_directory_does_not_hold_up_a_start() {
    let place = Place::new(&[("x", "mine")], &[]);
    let Attempt::Locked(_held) = lock::attempt(&place.out).unwrap() else {
        return;
    };
    drop(open(&place.out, Overwrite::Refuse).unwrap());
    drop(open(&place.out.join("new"), Overwrite::Refuse).unwrap());
}

#[test]
fn planted_journals_lead_nowhere() {
    let place = Place::new(&[("x", "mine")], &[("victim", "precious")]);
    let stage = place.out.join(".transmog-abcdefabcdef.tmp");
    let kept = |name: &str, at: &Path| {
        Some(Kept { name: name.into(), identity: Identity::at(at).unwrap().unwrap() })
    };
    let victim = place.side.join("victim");
    let hidden = "../../side/victim";
    let cases = [
        // into the directory, out of it, over what is there, what is gone
        ("y", kept(hidden, &victim), None),
        ("../side/victim", kept(".transmog-0000.tmp", &place.out.join("x")), None),
        ("/etc/passwd", kept(".transmog-0000.tmp", &victim), None),
        ("..", None, kept(".transmog-0000.tmp", &victim)),
        ("x", kept(".transmog-0000.tmp", &victim), None),
        ("x", None, kept(".transmog-0000.tmp", &victim)),
        (".transmog-x.tmp", None, kept(".transmog-0000.tmp", &victim)),
    ];
    for (target, new, old) in cases {
        fs::create_dir(&stage).unwrap();
        let change = Change { target: target.into(), new, old };
        let mut journal = Journal::new(vec![change]);
        journal.others = vec![place.side.clone().into(), "/".into(), "..".into()];
        journal.write(&stage).unwrap();
        let _ = settle(&[&place.out]).unwrap();
        let expected = Seen(owned(&[("x", "mine")]), owned(&[("victim", "precious")]));
        assert_eq!(place.seen(), expected, "{target}");
        fs::remove_dir_all(&stage).unwrap_or_default();
    }
    for text in ["", "{", "[]", "{\"version\":9}"] {
        fs::create_dir(&stage).unwrap();
        fs::write(stage.join(".transmog-journal.tmp"), text).unwrap();
        let notes = settle(&[&place.out]).unwrap().into_notes();
        assert!(!notes[0].is_settled && notes[0].text.contains("left alone"), "{notes:?}");
        fs::remove_dir_all(&stage).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn planted_links_are_not_followed() {
    use std::os::unix::fs::symlink;
    let place = Place::new(&[("x", "mine")], &[("victim", "precious")]);
    symlink(&place.side, place.out.join(".transmog-abcdefabcdef.tmp")).unwrap();
    let stage = place.out.join(".transmog-fedcbafedcba.tmp");
    fs::create_dir(&stage).unwrap();
    symlink(&place.side, stage.join("deep")).unwrap();
    symlink(place.side.join("victim"), stage.join(".transmog-journal.tmp")).unwrap();
    assert!(!settle(&[&place.out]).unwrap().into_notes()[0].is_settled);
    fs::remove_file(stage.join(".transmog-journal.tmp")).unwrap();
    settle(&[&place.out]).unwrap();
    assert!(!stage.exists());
    assert_eq!(place.seen().1, owned(&[("victim", "precious")]));
}

#[cfg(unix)]
#[test]
fn what_another_user_left_is_not_touched() {
    let place = Place::new(&[("x", "mine")], &[]);
    let stage = place.out.join(".transmog-abcdefabcdef.tmp");
    fs::create_dir(&stage).unwrap();
    if std::os::unix::fs::chown(&stage, Some(12345), None).is_err() {
        println!("skipped: only root can give files away");
        return;
    }
    assert!(settle(&[&place.out]).unwrap().into_notes().is_empty());
    assert!(stage.is_dir());
}

#[test]
fn runs_at_once_do_not_mix() {
    for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
        for is_new in [false, true] {
            for _ in 0..10 {
                race(overwrite, is_new);
            }
        }
    }
}

fn race(overwrite: Overwrite, is_new: bool) {
    let place = Place::new(if is_new { &[] } else { &[("x", "mine")] }, &[]);
    let run = |text: &'static str| {
        let mut sink = open(&place.out, overwrite)?;
        let rejects = sink.side(&place.side.join("r"), Access::Owner)?;
        let staged = sink.stage_side(&rejects)?;
        staged.append()?.write_all(text.as_bytes()).unwrap();
        let mut tables = Vec::new();
        for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
            let table = sink.create(index, name, index == 0)?;
            table.append()?.write_all(text.as_bytes()).unwrap();
            tables.push(table);
        }
        sink.commit(tables, vec![staged], vec![]).map(|_| ())
    };
    let done: Vec<Result<(), Error>> = std::thread::scope(|scope| {
        let runs: Vec<_> = (["one", "two", "six"].into_iter())
            .map(|text| scope.spawn(move || run(text)))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let won = done.iter().filter(|done| done.is_ok()).count();
    assert!(if overwrite == Overwrite::Refuse { won == 1 } else { won == 3 }, "{done:?}");
    let Seen(tables, side) = place.seen();
    let texts: Vec<_> = tables.iter().filter(|(name, _)| name != "x").collect();
    assert_eq!(texts.len(), 3);
    assert!(texts.iter().chain(&[&side[0]]).all(|(_, text)| *text == side[0].1), "{texts:?}");
    assert_eq!(place.hidden(), 0);
}
