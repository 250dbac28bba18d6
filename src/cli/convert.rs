//! `transmog convert`.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use clap::ArgMatches;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use transmog::error::{EXIT_DONE, EXIT_FAILED};
use transmog::{
    Cancel, Conversion, Depth, Destination, Error, ErrorKind, Input, LogFormat, LogObserver,
    MetricsFailure, MetricsObserver, Observer, Observers, Outcome, OutputFormat, RejectTarget,
    Summary,
};

use super::args::ConvertArgs;
use super::bar::{self, Look, Progress};
use super::dry_run::Plan;
use super::layers::{self, Settled, Sources};
use super::plan::{self, Scope};
use super::settings::Settings;
use super::values::{ProgressChoice, SummaryFormat};
use super::{allocator, batching, color, message, next};

/// How often a signal is looked for.
const SIGNAL_POLL: Duration = Duration::from_millis(20);

/// Signals that end a run in order; the last is that of a limit on processor time.
#[cfg(unix)]
const STOPPING: [i32; 5] = [
    SIGINT,
    SIGTERM,
    signal_hook::consts::SIGHUP,
    signal_hook::consts::SIGQUIT,
    signal_hook::consts::SIGXCPU,
];
#[cfg(not(unix))]
const STOPPING: [i32; 2] = [SIGINT, SIGTERM];

/// Converts, and sums up what it did on standard error.
///
/// Returns the exit status of a run that published its tables, or whose log says why it did not.
///
/// - Errors: all that is wrong with the settings, or why the run ended.
pub fn run(settings: &Settings, line: &[OsString], matches: &ArgMatches) -> Result<u8, Vec<Error>> {
    run_in(Scope::Run, settings, line, matches).map(|(status, _)| status)
}

/// Does the same for a command that looks at tables; returns what it saw besides.
///
/// - Errors: as [`run`].
pub fn run_in(
    scope: Scope,
    settings: &Settings,
    line: &[OsString],
    matches: &ArgMatches,
) -> Result<(u8, Summary), Vec<Error>> {
    let sources = Sources { variables: std::env::vars_os().collect(), file: None };
    let Settled { args, given, .. } = layers::settle(settings, line, matches, sources, scope)?;
    let explain = |error| layers::explain(settings, &given, error);
    let mut summary = Summary::default();
    let status = convert(args, scope, explain, &mut summary).map_err(|error| vec![error])?;
    Ok((status, summary))
}

fn convert(
    args: ConvertArgs,
    scope: Scope,
    explain: impl Fn(Error) -> Error,
    summary: &mut Summary,
) -> Result<u8, Error> {
    let format = match (&args.summary, args.quiet, args.log_format) {
        (_, true, _) => SummaryFormat::None,
        (None | Some(SummaryFormat::JsonFile(_)), _, Some(LogFormat::Json)) => SummaryFormat::None,
        (format, ..) => format.clone().unwrap_or_default(),
    };
    let is_json = args.log_format == Some(LogFormat::Json);
    let (is_rehearsal, is_quiet) = (args.dry_run, args.quiet);
    let names_batches = batching::is_chosen(&args);
    let (mut conversion, metrics) = match prepare(args, scope).map_err(&explain) {
        Err(error) if is_json => return Ok(refuse(&error)),
        prepared => prepared?,
    };
    let to = conversion.to;
    let is_named = conversion.name.is_some()
        || conversion.contract.is_some()
        || !matches!(conversion.destination, Destination::Directory(_) | Destination::Prefix(_));
    let plan = is_rehearsal.then(|| Plan::of(&mut conversion, names_batches));
    let is_text = matches!(format, SummaryFormat::Text | SummaryFormat::JsonFile(_));
    let ran = conversion.run_into(summary);
    if !matches!(&ran, Err(error) if error.kind() == ErrorKind::ClosedPipe) {
        // what a command prints of the tables is not said twice
        let is_printed = is_text && matches!(scope, Scope::Look(Depth::Columns | Depth::Values));
        let tables = is_printed.then(|| std::mem::take(&mut summary.tables));
        let rejects = if is_rehearsal { summary.rejects.path.take() } else { None };
        if is_quiet {
            message::say(&summary.to_quiet_text(&color::paint_part));
        } else if is_rehearsal && is_text {
            message::say(&summary.to_trial_text(&color::paint_part));
        } else {
            sum_up(summary, &format, to, is_named);
        }
        summary.tables.extend(tables.into_iter().flatten());
        summary.rejects.path = summary.rejects.path.take().or(rejects);
    }
    if let (Some(plan), Ok(())) = (plan, &ran) {
        let mut text = String::new();
        let told = plan.tell(summary, &mut text);
        super::print(text.as_bytes())?;
        let name = summary.tables.first().filter(|_| !is_named && !is_quiet && is_text);
        if let Some(hint) = name.and_then(|main| next::name_hint(&main.name)) {
            message::hint(&hint);
        }
        told?;
    }
    let lost = metrics.and_then(|metrics| metrics.take());
    if let Some(error) = &lost {
        report_lost(error, is_json);
    }
    match ran {
        Ok(()) if lost.is_some() && summary.exit_status() == EXIT_DONE => Ok(EXIT_FAILED),
        Ok(()) => Ok(summary.exit_status()),
        // the log has said why
        Err(error) if is_json => Ok(error.kind().exit_status()),
        Err(error) => Err(error),
    }
}

/// Works out what the flags ask for, and who watches it.
fn prepare(args: ConvertArgs, scope: Scope) -> Result<(Conversion, Option<MetricsFailure>), Error> {
    let (log, file, interval) = (args.log_format, args.metrics.clone(), args.metrics_interval);
    if let Some(path) = file.as_ref().filter(|path| matches!(path.to_str(), Some("" | "-"))) {
        let found = if path.as_os_str().is_empty() { "nothing" } else { "`-`" };
        let message = format!("`--metrics`: expected a file, found {found}");
        return Err(Error::usage(message));
    }
    let (progress, is_quiet) = (args.progress.unwrap_or(ProgressChoice::Auto), args.quiet);
    let mut conversion = plan::conversion(args, scope)?;
    let mut observers: Vec<Box<dyn Observer>> = Vec::new();
    let metrics = file.map(|file| MetricsObserver::open(&file, conversion.overwrite, interval));
    let metrics = metrics.transpose()?;
    let failure = metrics.as_ref().map(MetricsObserver::failure);
    observers.extend(metrics.map(|metrics| Box::new(metrics) as Box<dyn Observer>));
    let is_stopped = Arc::new(AtomicBool::new(false));
    let look = match progress {
        ProgressChoice::Always => Some(Look::Bar),
        ProgressChoice::Plain => Some(Look::Lines),
        ProgressChoice::Never => None,
        ProgressChoice::Auto => {
            let is_wanted = !is_quiet && log.is_none() && has_own_terminal(&conversion);
            is_wanted.then_some(Look::Bar)
        }
    };
    if let Some(look) = look {
        let progress = Progress::start(look, Arc::clone(&is_stopped)).map_err(|cause| {
            let message = format!("starting a thread failed: {cause}");
            Error::new(ErrorKind::Io, message).with_source(cause)
        })?;
        observers.push(Box::new(progress));
    }
    // last, so that a run has ended when its log says so
    observers.extend(log.map(|format| Box::new(log_to_stderr(format)) as Box<dyn Observer>));
    if !observers.is_empty() {
        conversion.observer = Some(Box::new(Observers(observers)));
    }
    conversion.worker_farewell = Some(allocator::give_back);
    let is_watched = allocator::set_up(conversion.memory_limit)
        .and_then(|()| stop_on_signals(conversion.cancel.clone(), is_stopped));
    is_watched.map_err(|cause| {
        Error::new(ErrorKind::Io, format!("watching for signals failed: {cause}"))
            .with_source(cause)
    })?;
    Ok((conversion, failure))
}

/// Returns whether a bar has a terminal for itself: nobody types there, and no rows go there.
fn has_own_terminal(conversion: &Conversion) -> bool {
    let is_typed = conversion.inputs.iter().any(|input| matches!(input, Input::Stdin));
    let is_printed = matches!(conversion.destination, Destination::Stdout(_))
        || conversion.rejects == RejectTarget::Stdout;
    bar::is_terminal()
        && !(is_typed && io::stdin().is_terminal())
        && !(is_printed && io::stdout().is_terminal())
}

fn log_to_stderr(format: LogFormat) -> LogObserver {
    LogObserver::new(Box::new(io::stderr()), format)
}

/// Says in the log why there is no run; returns its exit status.
fn refuse(error: &Error) -> u8 {
    let mut summary = Summary::default();
    summary.outcome = Outcome::Failed {
        kind: error.kind(),
        message: error.to_string(),
        hint: error.hint().map(str::to_owned),
    };
    log_to_stderr(LogFormat::Json).on_complete(&summary);
    error.kind().exit_status()
}

/// Says that metrics could not be written.
fn report_lost(error: &Error, is_json: bool) {
    if is_json {
        let line = serde_json::json!({"event": "metrics_error", "error": error.to_string()});
        message::say(&format!("{line}\n"));
    } else {
        message::report(error);
    }
}

/// Says what a run did that wrote `to`, and what to do next.
fn sum_up(summary: &Summary, format: &SummaryFormat, to: OutputFormat, is_named: bool) {
    match format {
        SummaryFormat::Text | SummaryFormat::JsonFile(_) => {
            message::say(&summary.to_text(&color::paint_part));
            if let Some(hint) = next::hint(summary, to, io::stderr().is_terminal(), is_named) {
                message::hint(&hint);
            }
        }
        SummaryFormat::Json => message::say(&summary.to_json()),
        SummaryFormat::Github => {
            message::say(&summary.to_annotations());
            let page = summary.to_markdown();
            let file = std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from);
            let written = file.map(|file| {
                let file = OpenOptions::new().create(true).append(true).open(file);
                // an empty line, as another run of the step may write behind it
                file.and_then(|mut file| file.write_all(format!("{page}\n").as_bytes()))
            });
            match written {
                Some(Ok(())) => {}
                Some(Err(cause)) => {
                    let label = color::paint(color::WARNING, "warning:");
                    message::say(&format!("{label} $GITHUB_STEP_SUMMARY: {cause}\n{page}"));
                }
                None => message::say(&page),
            }
        }
        SummaryFormat::None => {}
    }
}

/// Lets the first signal end the run in order, which `is_stopped` says from then on, and the second
/// end the process at once.
///
/// While outputs get their names both wait: a moment later the run has succeeded.
fn stop_on_signals(cancel: Cancel, is_stopped: Arc<AtomicBool>) -> io::Result<()> {
    let seen = Arc::new(AtomicUsize::new(0));
    // what the parent set to be ignored stays so, as `nohup` and background jobs want
    let ignored = ignored_signals();
    for signal in STOPPING.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0) {
        flag::register_conditional_default(signal, Arc::clone(&is_stopped))?;
        flag::register_usize(signal, Arc::clone(&seen), signal.unsigned_abs() as usize)?;
    }
    // with a handler, a write past the file size limit fails and is reported like a full disk
    #[cfg(unix)]
    flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    let watch = move || {
        loop {
            match seen.load(Ordering::Relaxed) {
                // once stopped, the run does not come to the renames any more
                signal if signal != 0 && cancel.stop(signal as i32) => {
                    return is_stopped.store(true, Ordering::SeqCst);
                }
                _ => thread::sleep(SIGNAL_POLL),
            }
        }
    };
    thread::Builder::new().name("transmog-signals".to_owned()).spawn(watch)?;
    Ok(())
}

/// Returns which signals this process was started with ignored, where the system tells: bit 0 is signal 1.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}
