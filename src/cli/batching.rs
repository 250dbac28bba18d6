//! Batch flags → a strategy and its keys.

use std::num::NonZeroUsize;
use std::time::Duration;

use transmog::{BatchStrategy, Error, Live, OnError, limits};

use super::args::ConvertArgs;
use super::values::{Failure, LiveChoice, Strategy};

/// Works out when batches end, and when rows go to standard output.
///
/// - Errors: `Usage` for a key that the strategy does not have.
pub fn batching(args: &ConvertArgs) -> Result<(BatchStrategy, Live), Error> {
    let strategy = args.batch_strategy.unwrap_or(Strategy::FixedSize);
    let keys = keys(args);
    for Key { flag, is_given, strategies } in &keys {
        if !is_given || strategies.contains(&strategy) {
            continue;
        }
        let names: Vec<_> = strategies.iter().map(|one| format!("`{}`", name(*one))).collect();
        let (wanted, found) = (names.join(" or "), name(strategy));
        let message = format!("`{flag}`: expected `--batch-strategy` {wanted}, found `{found}`");
        return Err(
            Error::usage(message).with_hint(format!("leave `{flag}` out, it would do nothing"))
        );
    }
    // The size of batches that go whole is no wish to see them early.
    let goes_whole = matches!(args.on_error, Some(Failure(OnError::FailBatch, _)));
    let has_key = keys.iter().any(|key| key.is_given) && !goes_whole;
    let is_chosen = args.batch_strategy.is_some() || has_key;
    let live = match args.live.unwrap_or(LiveChoice::Auto) {
        LiveChoice::Auto if is_chosen => Live::OnPipes,
        LiveChoice::Auto | LiveChoice::Off => Live::Off,
        LiveChoice::On => Live::On,
    };
    Ok((with_keys(strategy, args), live))
}

/// Returns whether a strategy or a key of one was given.
pub fn is_chosen(args: &ConvertArgs) -> bool {
    args.batch_strategy.is_some() || keys(args).iter().any(|key| key.is_given)
}

fn with_keys(strategy: Strategy, args: &ConvertArgs) -> BatchStrategy {
    let records = |given: Option<NonZeroUsize>, default: NonZeroUsize| given.unwrap_or(default);
    let (second, max) = (Duration::from_secs(1), args.batch_max_size);
    match strategy {
        Strategy::FixedSize => BatchStrategy::FixedSize {
            size: records(args.batch_size, limits::BATCH_RECORDS),
            timeout: args.batch_timeout.unwrap_or(limits::BATCH_TIME),
        },
        Strategy::TimeWindow => {
            BatchStrategy::TimeWindow { window: args.batch_window.unwrap_or(second) }
        }
        Strategy::MemoryBased => BatchStrategy::MemoryBased {
            bytes: args.batch_memory.and_then(NonZeroUsize::new).unwrap_or(MEMORY),
        },
        // A default gives way to the other key.
        Strategy::AdaptiveSize => BatchStrategy::AdaptiveSize {
            min: records(args.batch_min_size, ADAPTIVE_MIN.min(max.unwrap_or(ADAPTIVE_MIN))),
            max: records(max, ADAPTIVE_MAX.max(args.batch_min_size.unwrap_or(ADAPTIVE_MAX))),
            target_latency: args.target_latency.unwrap_or(Duration::from_millis(100)),
        },
        Strategy::LowLatency => BatchStrategy::LowLatency {
            max: records(args.batch_max_size, NonZeroUsize::MIN),
            wait: args.batch_wait.unwrap_or(Duration::from_millis(1)),
            eager: args.batch_eager.unwrap_or(true),
        },
        Strategy::MegaBatch => BatchStrategy::MegaBatch {
            size: records(args.batch_size, MEGA),
            parallel: args.batch_parallel.unwrap_or(true),
            reuse_buffer: args.batch_reuse_buffer.unwrap_or(true),
        },
    }
}

const MEMORY: NonZeroUsize = NonZeroUsize::new(1 << 20).unwrap();
const ADAPTIVE_MIN: NonZeroUsize = NonZeroUsize::new(10).unwrap();
const ADAPTIVE_MAX: NonZeroUsize = NonZeroUsize::new(1000).unwrap();
const MEGA: NonZeroUsize = NonZeroUsize::new(50_000).unwrap();

/// A key of some strategies.
struct Key {
    flag: &'static str,
    is_given: bool,
    strategies: &'static [Strategy],
}

fn keys(args: &ConvertArgs) -> [Key; 11] {
    use Strategy::{AdaptiveSize, FixedSize, LowLatency, MegaBatch, MemoryBased, TimeWindow};
    let key = |flag, is_given, strategies| Key { flag, is_given, strategies };
    [
        key("--batch-size", args.batch_size.is_some(), &[FixedSize, MegaBatch]),
        key("--batch-timeout", args.batch_timeout.is_some(), &[FixedSize]),
        key("--batch-window", args.batch_window.is_some(), &[TimeWindow]),
        key("--batch-memory", args.batch_memory.is_some(), &[MemoryBased]),
        key("--batch-min-size", args.batch_min_size.is_some(), &[AdaptiveSize]),
        key("--batch-max-size", args.batch_max_size.is_some(), &[AdaptiveSize, LowLatency]),
        key("--target-latency", args.target_latency.is_some(), &[AdaptiveSize]),
        key("--batch-wait", args.batch_wait.is_some(), &[LowLatency]),
        key("--batch-eager", args.batch_eager.is_some(), &[LowLatency]),
        key("--batch-parallel", args.batch_parallel.is_some(), &[MegaBatch]),
        key("--batch-reuse-buffer", args.batch_reuse_buffer.is_some(), &[MegaBatch]),
    ]
}

fn name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::FixedSize => "fixed_size",
        Strategy::TimeWindow => "time_window",
        Strategy::MemoryBased => "memory_based",
        Strategy::AdaptiveSize => "adaptive_size",
        Strategy::LowLatency => "low_latency",
        Strategy::MegaBatch => "mega_batch",
    }
}
