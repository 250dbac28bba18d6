//! How the status of a run follows from those of its inputs.

use super::Status;

/// How the run's status follows from those of its inputs.
///
/// | inputs | worst | best | majority | merge | first-failure | all |
/// |---|---|---|---|---|---|---|
/// | all passed | passed | passed | passed | passed | passed | passed |
/// | passed, warning | warning | passed | warning | warning | warning | failed |
/// | passed, passed, warning | warning | passed | passed | warning | warning | failed |
/// | passed, failed | failed | passed | failed | warning | failed | failed |
/// | warning, error, passed | error | passed | error | warning | warning | error |
/// | failed, error | error | failed | error | error | failed | error |
/// | error, skipped | error | skipped | error | error | error | error |
///
/// From best to worst: passed, skipped, warning, failed, error. Of statuses that are equally
/// frequent, `majority` takes the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatusPolicy {
    /// The worst of all.
    #[default]
    Worst,
    /// The best of all.
    Best,
    /// The most frequent.
    Majority,
    /// A warning where some records were converted and some inputs did not pass; else the worst.
    Merge,
    /// That of the first input that did not pass.
    FirstFailure,
    /// Passed where all have passed; else failed, or error where one is.
    All,
}

impl StatusPolicy {
    /// Returns the status of a run whose inputs have these.
    pub fn combine(self, inputs: &[Status]) -> Status {
        let worst = inputs.iter().copied().max().unwrap_or(Status::Passed);
        match self {
            StatusPolicy::Worst => worst,
            StatusPolicy::Best => inputs.iter().copied().min().unwrap_or(Status::Passed),
            StatusPolicy::Majority => {
                let count = |status| inputs.iter().filter(|one| **one == status).count();
                let most = inputs.iter().copied().max_by_key(|status| (count(*status), *status));
                most.unwrap_or(Status::Passed)
            }
            StatusPolicy::Merge => {
                let gave = |status: &Status| matches!(status, Status::Passed | Status::Warning);
                match worst > Status::Warning && inputs.iter().any(gave) {
                    true => Status::Warning,
                    false => worst,
                }
            }
            StatusPolicy::FirstFailure => {
                let first = inputs.iter().copied().find(|status| *status != Status::Passed);
                first.unwrap_or(Status::Passed)
            }
            StatusPolicy::All => match worst {
                Status::Passed => Status::Passed,
                worst => worst.max(Status::Failed),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_combine_as_their_table_says() {
        use Status::{Error, Failed, Passed, Skipped, Warning};
        use StatusPolicy::{All, Best, FirstFailure, Majority, Merge, Worst};
        let policies = [Worst, Best, Majority, Merge, FirstFailure, All];
        let check = |inputs: &[Status], expected: [Status; 6]| {
            for (policy, expected) in policies.into_iter().zip(expected) {
                assert_eq!(policy.combine(inputs), expected, "{policy:?} {inputs:?}");
            }
        };
        check(&[], [Passed; 6]);
        check(&[Passed, Passed], [Passed; 6]);
        check(&[Passed, Warning], [Warning, Passed, Warning, Warning, Warning, Failed]);
        check(&[Passed, Passed, Warning], [Warning, Passed, Passed, Warning, Warning, Failed]);
        check(&[Passed, Failed], [Failed, Passed, Failed, Warning, Failed, Failed]);
        check(&[Warning, Error, Passed], [Error, Passed, Error, Warning, Warning, Error]);
        check(&[Failed, Error], [Error, Failed, Error, Error, Failed, Error]);
        check(&[Error, Skipped], [Error, Skipped, Error, Error, Error, Error]);
    }
}
