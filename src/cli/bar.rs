//! How far a run is, on standard error: a bar for whoever sits before it, or lines for a log.
//!
//! A thread of its own draws what the run last told. It may be stuck, as a terminal can be stopped:
//! the run does not wait for it, but for a moment at the end.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};
use transmog::report::figures::{clock, grouped, rate, size};
use transmog::{Counts, Observer, Summary};

use super::color;

/// Shorter runs show nothing.
const SILENCE: Duration = Duration::from_millis(500);

/// How often a line is written.
pub const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// How often a bar that nobody tells anything looks whether the run was stopped.
const POLL: Duration = Duration::from_millis(50);

/// How long the end of a run waits until what was drawn is gone.
const PATIENCE: Duration = Duration::from_millis(500);

/// Columns of a screen that does not say.
const COLUMNS: usize = 80;

/// A longer line is no easier to read.
const COLUMNS_MAX: usize = 120;

/// Columns that stay free, for the `^C` that a terminal shows.
const COLUMNS_FREE: usize = 3;

/// A longer time is a guess that helps nobody.
const LEFT_MAX: Duration = Duration::from_secs(99 * 3_600);

/// Signs of the bar itself, at least and at most.
const CELLS: [usize; 2] = [8, 30];

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// One line that changes, on a terminal or what is read as one.
    Bar,
    /// A line now and then.
    Lines,
}

/// Shows how far a run is.
pub struct Progress {
    /// Told no more often than that.
    interval: Duration,
    /// When to tell next, from the start of the run.
    next: Duration,
    /// What was read when it was told last, and when.
    last: (u64, Duration),
    frames: Option<SyncSender<Frame>>,
    /// Nothing is sent here: it closes when all that was drawn is gone.
    gone: Receiver<()>,
}

impl Progress {
    /// Starts to show progress on standard error; once `is_stopped` a bar is not drawn any more.
    ///
    /// - Errors: there is no thread for it.
    pub fn start(look: Look, is_stopped: Arc<AtomicBool>) -> io::Result<Progress> {
        let screen = Screen::stderr();
        match look {
            Look::Bar => Progress::spawn(Duration::ZERO, move |frames| {
                draw(frames, &screen, &is_stopped);
            }),
            Look::Lines => {
                Progress::spawn(LINE_INTERVAL, move |frames| write_lines(frames, io::stderr()))
            }
        }
    }

    fn spawn(
        interval: Duration,
        show: impl FnOnce(&Receiver<Frame>) + Send + 'static,
    ) -> io::Result<Progress> {
        // one that waits is enough: what comes later says more
        let (frames, told) = sync_channel(1);
        let (leaves, gone) = channel::<()>();
        let show = move || {
            show(&told);
            drop(leaves);
        };
        thread::Builder::new().name("transmog-progress".to_owned()).spawn(show)?;
        let last = (0, Duration::ZERO);
        Ok(Progress { interval, next: interval, last, frames: Some(frames), gone })
    }

    fn end(&mut self) {
        if self.frames.take().is_some() {
            let _ = self.gone.recv_timeout(PATIENCE);
        }
    }
}

impl Observer for Progress {
    fn on_tick(&mut self, counts: &Counts) {
        if counts.elapsed < self.next {
            return;
        }
        let frame = Frame::of(counts, self.last);
        if let Some(frames) = &self.frames
            && frames.try_send(frame).is_ok()
        {
            self.last = (counts.bytes_read, counts.elapsed);
            self.next = counts.elapsed + self.interval;
        }
    }

    fn on_complete(&mut self, _summary: &Summary) {
        self.end();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// What is shown of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Frame {
    elapsed: Duration,
    bytes: u64,
    bytes_total: Option<u64>,
    records: u64,
    rejected: u64,
    tables: usize,
    /// Bytes a second.
    speed: f64,
}

impl Frame {
    /// Takes what a run tells; its speed is that since the bytes and the time of `last`.
    fn of(counts: &Counts, last: (u64, Duration)) -> Frame {
        let bytes = counts.bytes_read.saturating_sub(last.0);
        let time = counts.elapsed.saturating_sub(last.1);
        Frame {
            elapsed: counts.elapsed,
            bytes: counts.bytes_read,
            bytes_total: counts.bytes_total,
            records: counts.records,
            rejected: counts.rejected,
            tables: counts.tables.len(),
            speed: if time.is_zero() { 0.0 } else { bytes as f64 / time.as_secs_f64() },
        }
    }

    /// Returns how much of all bytes was read, up to 1, where that can be said.
    fn share(&self) -> Option<f64> {
        let total = self.bytes_total.filter(|total| *total > 0)?;
        Some((self.bytes as f64 / total as f64).min(1.0))
    }

    /// Returns what there is to say, and how soon it gives way where room is short: 0 stays.
    fn parts(&self) -> Vec<(u8, String)> {
        let mut parts = Vec::new();
        match (self.share(), self.bytes_total) {
            (Some(share), Some(total)) => {
                parts.push((0, format!("{:>3}%", (share * 100.0).floor())));
                parts.push((3, format!("{} of {}", size(self.bytes), size(total))));
            }
            _ => {
                parts.push((0, size(self.bytes)));
                let noun = if self.records == 1 { "record" } else { "records" };
                parts.push((2, format!("{} {noun}", grouped(self.records))));
            }
        }
        parts.push((4, rate(self.speed as u64, Duration::from_secs(1))));
        parts.extend(self.left().map(|left| (1, left)));
        if self.tables > 0 {
            let noun = if self.tables == 1 { "table" } else { "tables" };
            parts.push((5, format!("{} {noun}", self.tables)));
        }
        if self.rejected > 0 {
            parts.push((2, format!("{} rejected", grouped(self.rejected))));
        }
        parts
    }

    /// Returns how long it will take, where that can be said.
    fn left(&self) -> Option<String> {
        let left = self.bytes_total?.saturating_sub(self.bytes);
        if left == 0 {
            return Some("finishing".to_owned());
        }
        if self.speed < 1.0 {
            return None;
        }
        // a second that has begun is one
        let seconds = (left as f64 / self.speed).ceil();
        let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| *time <= LEFT_MAX)?;
        Some(format!("{} left", clock(time)))
    }

    /// Returns the line of a bar, no wider than `columns`.
    fn bar(&self, columns: usize) -> String {
        let mut parts = self.parts();
        if self.left().is_none() {
            parts.push((1, clock(self.elapsed)));
        }
        let width = |parts: &[(u8, String)]| {
            let texts: usize = parts.iter().map(|(_, text)| text.len()).sum();
            texts + (2 * parts.len()).saturating_sub(2)
        };
        while width(&parts) > columns {
            match parts.iter().map(|(rank, _)| *rank).max() {
                Some(rank) if rank > 0 => parts.retain(|(other, _)| *other < rank),
                _ => return String::new(),
            }
        }
        // its brackets and spaces stand where a comma and a space were
        let room = columns.saturating_sub(width(&parts) + 2);
        let texts: Vec<_> = parts.into_iter().map(|(_, text)| text).collect();
        match (self.share(), texts.split_first()) {
            (Some(share), Some((percent, others))) if room >= CELLS[0] && !others.is_empty() => {
                let cells = room.min(CELLS[1]);
                let full = (cells as f64 * share) as usize;
                let (done, open) = ("=".repeat(full), " ".repeat(cells - full));
                let others = others.join(", ");
                format!("{percent} [{done}{open}] {others}")
            }
            _ => texts.join(", "),
        }
    }

    /// Returns a line of a log.
    fn line(&self) -> String {
        let texts: Vec<_> = self.parts().into_iter().map(|(_, text)| text).collect();
        let text = texts.join(", ");
        format!("progress: {}: {}\n", clock(self.elapsed), text.trim_start())
    }
}

/// Writes a line for each frame.
fn write_lines(frames: &Receiver<Frame>, mut out: impl Write) {
    for frame in frames {
        // standard error may be closed, and the run is not about it
        let _ = out.write_all(frame.line().as_bytes());
    }
}

/// Draws frames as they come, until there are no more or the run was stopped; leaves nothing.
fn draw(frames: &Receiver<Frame>, screen: &Screen, is_stopped: &AtomicBool) {
    let latest = Arc::new(Mutex::new(Frame::default()));
    let (drawn, width) = (Arc::clone(&latest), screen.clone());
    let line = move |state: &ProgressState, out: &mut dyn fmt::Write| {
        let frame = Frame { speed: state.per_sec(), ..*lock(&drawn) };
        // what cannot be written is not shown
        let _ = out.write_str(&frame.bar(width.columns()));
    };
    let style = ProgressStyle::with_template("{line}").expect("the template is well formed");
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    bar.set_style(style.with_key("line", line));
    while !is_stopped.load(Ordering::Relaxed) {
        match frames.recv_timeout(POLL) {
            Ok(frame) => {
                *lock(&latest) = frame;
                if bar.is_hidden() && frame.elapsed >= SILENCE {
                    bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(screen.clone())));
                }
                bar.set_position(frame.bytes);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    bar.finish_and_clear();
}

/// The latest frame holds whatever happened to whoever drew it.
fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a bar is drawn: a line that can be cleared; what cannot be written is lost.
#[derive(Clone)]
struct Screen {
    line: Arc<Mutex<Line>>,
    /// It knows escape codes, and how wide it is.
    is_terminal: bool,
}

/// What is to be written in one piece, so that nobody sees half of it.
struct Line {
    bytes: Vec<u8>,
    out: Box<dyn Write + Send>,
}

impl Screen {
    fn stderr() -> Screen {
        Screen::new(Box::new(io::stderr()), is_terminal())
    }

    fn new(out: Box<dyn Write + Send>, is_terminal: bool) -> Screen {
        Screen { line: Arc::new(Mutex::new(Line { bytes: Vec::new(), out })), is_terminal }
    }

    /// Returns how wide a line may be; it may change at any time.
    fn columns(&self) -> usize {
        let size = terminal_size::terminal_size_of(io::stderr()).filter(|_| self.is_terminal);
        let columns = size.map_or(COLUMNS, |(terminal_size::Width(columns), _)| columns.into());
        columns.saturating_sub(COLUMNS_FREE).min(COLUMNS_MAX)
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Screen")
    }
}

/// There is one line, so the cursor moves nowhere.
impl TermLike for Screen {
    fn width(&self) -> u16 {
        u16::try_from(self.columns()).unwrap_or(u16::MAX).max(1)
    }

    fn move_cursor_up(&self, _lines: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _lines: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        lock(&self.line).bytes.extend(text.bytes());
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        match self.is_terminal {
            true => self.write_str("\r\x1b[K"),
            false => self.write_str(&format!("\r{}\r", " ".repeat(self.columns()))),
        }
    }

    fn flush(&self) -> io::Result<()> {
        let mut line = lock(&self.line);
        let bytes = mem::take(&mut line.bytes);
        let _ = line.out.write_all(&bytes).and_then(|()| line.out.flush());
        Ok(())
    }
}

/// Returns whether standard error is a terminal on which a line can be cleared.
pub fn is_terminal() -> bool {
    io::stderr().is_terminal() && color::knows_codes(std::env::var_os("TERM"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame {
        elapsed: Duration::from_secs(65),
        bytes: 412_000_000,
        bytes_total: Some(981_000_000),
        records: 1_234_567,
        rejected: 0,
        tables: 4,
        speed: 245_000_000.0,
    };

    fn check(frame: Frame, columns: usize, expected: &str) {
        assert_eq!(frame.bar(columns), expected);
        assert!(expected.len() <= columns);
    }

    #[test]
    fn a_bar_gives_way_to_what_is_short() {
        let all =
            " 41% [============                  ] 412 MB of 981 MB, 245 MB/s, 0:03 left, 4 tables";
        check(FRAME, 120, all);
        check(FRAME, 70, " 41% [======         ] 412 MB of 981 MB, 245 MB/s, 0:03 left, 4 tables");
        check(FRAME, 60, " 41%, 412 MB of 981 MB, 245 MB/s, 0:03 left, 4 tables");
        check(FRAME, 50, " 41%, 412 MB of 981 MB, 245 MB/s, 0:03 left");
        check(FRAME, 20, " 41%, 0:03 left");
        check(FRAME, 5, " 41%");
        check(FRAME, 3, "");
        check(FRAME, 0, "");
        check(Frame { rejected: 1_200, ..FRAME }, 31, " 41%, 0:03 left, 1,200 rejected");
    }

    #[test]
    fn a_pipe_has_bytes_and_records() {
        let pipe = Frame { bytes_total: None, ..FRAME };
        check(pipe, 120, "412 MB, 1,234,567 records, 245 MB/s, 4 tables, 1:05");
        check(pipe, 31, "412 MB, 1,234,567 records, 1:05");
        let first = Frame { records: 1, tables: 1, speed: 0.0, rejected: 1, ..pipe };
        check(first, 120, "412 MB, 1 record, 0 B/s, 1 table, 1 rejected, 1:05");
    }

    #[test]
    fn what_is_odd_is_a_line_all_the_same() {
        // a file that grew, an empty one, one that stands still, one that never ends
        check(Frame { bytes: 2_000_000_000, ..FRAME }, 24, "100%, finishing");
        let empty = Frame { bytes: 0, bytes_total: Some(0), records: 0, speed: 0.0, ..FRAME };
        check(empty, 40, "0 B, 0 records, 0 B/s, finishing");
        check(Frame { speed: 0.0, ..FRAME }, 15, " 41%, 1:05");
        check(Frame { speed: f64::NAN, ..FRAME }, 15, " 41%, 1:05");
        let endless = Frame { bytes_total: Some(u64::MAX), speed: 1.0, ..FRAME };
        check(endless, 15, "  0%, 1:05");
    }

    #[test]
    fn a_line_of_a_log_says_all() {
        let expected = "progress: 1:05: 41%, 412 MB of 981 MB, 245 MB/s, 0:03 left, 4 tables, \
                        12 rejected\n";
        assert_eq!(Frame { rejected: 12, ..FRAME }.line(), expected);
    }

    #[test]
    fn lines_come_at_their_interval() {
        let (sent, lines) = channel();
        let show =
            move |frames: &Receiver<Frame>| frames.iter().for_each(|f| sent.send(f).unwrap());
        let mut progress = Progress::spawn(Duration::from_secs(30), show).unwrap();
        let mut counts = Counts::default();
        for second in [0, 1, 29, 30, 31, 59, 60, 200, 201] {
            counts.elapsed = Duration::from_secs(second);
            counts.bytes_read = 10 * second;
            progress.on_tick(&counts);
            // what waits is taken before there is more
            thread::sleep(Duration::from_millis(20));
        }
        progress.on_complete(&Summary::default());
        let told: Vec<_> =
            lines.iter().map(|frame: Frame| (frame.elapsed.as_secs(), frame.speed)).collect();
        assert_eq!(told, [(30, 10.0), (60, 10.0), (200, 10.0)]);
    }

    /// Draws frames at these times, in milliseconds; returns what was written.
    fn drawn(is_terminal: bool, is_stopped: bool, times: &[u64]) -> String {
        #[derive(Clone, Default)]
        struct Written(Arc<Mutex<Vec<u8>>>);

        impl Write for Written {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                lock(&self.0).extend(bytes);
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let written = Written::default();
        let screen = Screen::new(Box::new(written.clone()), is_terminal);
        let (frames, told) = sync_channel(times.len());
        for &time in times {
            frames.send(Frame { elapsed: Duration::from_millis(time), ..FRAME }).unwrap();
        }
        drop(frames);
        draw(&told, &screen, &AtomicBool::new(is_stopped));
        let written = lock(&written.0).clone();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn nothing_is_drawn_in_the_first_half_second() {
        assert_eq!(drawn(false, false, &[]), "");
        assert_eq!(drawn(false, false, &[0, 100, 499]), "");
        let once = drawn(false, false, &[100, 500]);
        assert!(once.starts_with(" 41% [") && once.contains("412 MB of 981 MB"), "{once}");
    }

    #[test]
    fn what_was_drawn_is_gone_at_the_end() {
        let blank = " ".repeat(COLUMNS - COLUMNS_FREE);
        let text = drawn(false, false, &[500, 600]);
        assert!(text.ends_with(&format!("\r{blank}\r")), "{text:?}");
        assert!(!text.contains(['\n', '\x1b']), "{text:?}");
        assert!(text.split('\r').all(|line| line.len() <= blank.len()), "{text:?}");
        assert!(drawn(true, false, &[500]).ends_with("\r\x1b[K"));
    }

    #[test]
    fn a_run_that_was_stopped_draws_no_more() {
        assert_eq!(drawn(true, true, &[500]), "");
    }

    #[test]
    fn a_screen_that_is_stuck_does_not_hold_up_the_run() {
        let (_stuck, never) = channel::<()>();
        let show = move |_: &Receiver<Frame>| {
            let _ = never.recv();
        };
        let mut progress = Progress::spawn(Duration::ZERO, show).unwrap();
        let counts = Counts::default();
        let start = std::time::Instant::now();
        (0..1_000).for_each(|_| progress.on_tick(&counts));
        assert!(start.elapsed() < PATIENCE);
        progress.on_complete(&Summary::default());
        drop(progress);
        assert!(start.elapsed() < 4 * PATIENCE, "the end waited twice");
    }

    #[test]
    fn a_screen_that_cannot_be_written_is_left_alone() {
        struct Full;

        impl Write for Full {
            fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::StorageFull.into())
            }
        }

        let (frames, told) = sync_channel(2);
        (0..2).for_each(|_| frames.send(FRAME).unwrap());
        drop(frames);
        draw(&told, &Screen::new(Box::new(Full), true), &AtomicBool::new(false));
    }
}
