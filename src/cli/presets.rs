//! Presets: names for settings that go well together.
//!
//! A setting of a preset gives way to all others: to the same one, and to those that it cannot stand
//! beside.

use clap::builder::PossibleValuesParser;

/// Settings under a name.
#[derive(Debug)]
pub struct Preset {
    /// As users type it.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// Keys and their values, as a file has them but without quotes; what others need comes first.
    pub settings: &'static [(&'static str, &'static str)],
}

/// Every preset.
pub const ALL: [Preset; 10] = [
    Preset { name: "default", purpose: "what holds without a preset", settings: &[] },
    Preset {
        name: "low-latency",
        purpose: "rows of a pipe are out at once",
        settings: &[("batch_strategy", "low_latency"), ("prefetch", "1")],
    },
    Preset {
        name: "high-throughput",
        purpose: "all processors, large batches",
        settings: &[
            ("batch_strategy", "mega_batch"),
            ("execution", "parallel"),
            ("live", "off"),
            ("prefetch", "4"),
        ],
    },
    Preset {
        name: "ultra-throughput",
        purpose: "the same with the largest batches",
        settings: &[
            ("batch_strategy", "mega_batch"),
            ("batch_size", "100000"),
            ("execution", "parallel"),
            ("live", "off"),
            ("prefetch", "8"),
        ],
    },
    Preset {
        name: "memory-optimized",
        purpose: "stays under 128 MiB in all",
        settings: &[
            ("memory_limit", "64MiB"),
            ("threads", "1"),
            ("prefetch", "0"),
            ("batch_strategy", "memory_based"),
            ("batch_memory", "256KiB"),
            ("live", "off"),
        ],
    },
    Preset {
        name: "sequential",
        purpose: "one thread, nothing read ahead",
        settings: &[("execution", "sequential"), ("prefetch", "0")],
    },
    Preset {
        name: "parallel",
        purpose: "all threads from the start",
        settings: &[("execution", "parallel")],
    },
    Preset {
        name: "large-data",
        purpose: "inputs much larger than memory",
        settings: &[
            ("batch_strategy", "mega_batch"),
            ("batch_size", "50000"),
            ("live", "off"),
            ("memory_limit", "512MiB"),
        ],
    },
    Preset {
        name: "fail-fast",
        purpose: "ends at the first fault",
        settings: &[("on_error", "fail"), ("fail_fast", "true"), ("max_retries", "0")],
    },
    Preset {
        name: "partial-recovery",
        purpose: "keeps what can be kept",
        settings: &[
            ("on_error", "retry"),
            ("max_retries", "3"),
            ("retry_backoff", "1s"),
            ("fail_fast", "false"),
            ("status_policy", "merge"),
        ],
    },
];

/// Returns the preset of that name.
pub fn find(name: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.name == name)
}

/// Takes the names of presets.
pub fn parser() -> PossibleValuesParser {
    PossibleValuesParser::new(ALL.map(|preset| preset.name))
}
