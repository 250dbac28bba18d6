//! Settings from the environment: `TRANSMOG_BATCH_SIZE=5000`.

use std::ffi::OsString;

use transmog::Error;

use super::layers::{CONFIG_ENV, Given, Origin};
use super::settings::{ENV_PREFIX, Kind, Setting, Settings};

/// Names that differ in more places than this from every key are no settings of ours.
const NEAR: usize = 2;

/// Shorter names differ little from any key.
const NEAR_CHARS_MIN: usize = 6;

/// Settings of the environment.
#[derive(Debug, Default)]
pub struct Environment {
    /// What is set.
    pub given: Vec<Given>,
    /// Variables that start as ours do, but are none.
    pub unknown: Vec<String>,
}

/// Reads settings from variables; empty ones count as not set.
pub fn read(
    settings: &Settings,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    problems: &mut Vec<Error>,
) -> Environment {
    let mut found = Environment::default();
    let mut variables: Vec<_> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, value)| name.starts_with(ENV_PREFIX) && !value.is_empty())
        .filter(|(name, _)| name != CONFIG_ENV)
        .collect();
    variables.sort();
    for (variable, value) in variables {
        let name = variable[ENV_PREFIX.len()..].to_lowercase();
        let is_spelled = variable[ENV_PREFIX.len()..].chars().all(|one| !one.is_lowercase());
        let Some(setting) =
            settings.find(&name).filter(|_| is_spelled && !name.contains(['-', '.']))
        else {
            match near(settings, &name) {
                Some(key) => {
                    let message = format!("{variable}: there is no such setting");
                    let near = format!("{ENV_PREFIX}{}", key.to_uppercase());
                    problems
                        .push(Error::usage(message).with_hint(format!("did you mean `{near}`?")));
                }
                None => found.unknown.push(variable),
            }
            continue;
        };
        let Ok(value) = value.into_string() else {
            problems.push(Error::usage(format!("{variable}: expected text in UTF-8")));
            continue;
        };
        if let Some(other) = found.given.iter().find(|given| given.key == setting.key) {
            let Origin::Environment(first) = &other.origin else { continue };
            problems.push(Error::usage(format!("{variable}: given twice, also as `{first}`")));
            continue;
        }
        match values(settings, setting, &value) {
            Ok(values) => {
                let origin = Origin::Environment(variable);
                found.given.push(Given { key: setting.key.clone(), values, origin });
            }
            Err(errors) => problems.extend(
                errors.into_iter().map(|error| Origin::Environment(variable.clone()).at(error)),
            ),
        }
    }
    found
}

/// Takes apart what a variable holds; a list has an element on each line.
pub fn values(
    settings: &Settings,
    setting: &Setting,
    text: &str,
) -> Result<Vec<String>, Vec<Error>> {
    let values: Vec<String> = match setting.kind {
        Kind::List => text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        _ => vec![text.to_owned()],
    };
    if setting.kind == Kind::Switch && !matches!(text, "true" | "false") {
        let message = format!("expected `true` or `false`, found `{text}`");
        return Err(vec![Error::usage(message)]);
    }
    let wrong: Vec<_> =
        values.iter().filter_map(|value| settings.check(setting, value).err()).collect();
    if wrong.is_empty() { Ok(values) } else { Err(wrong) }
}

/// Returns the key that `name` was probably meant to be.
fn near(settings: &Settings, name: &str) -> Option<String> {
    let (key, distance) = settings.nearest(name);
    let plain = |name: &str| name.replace(['_', '-', '.'], "");
    let most = if name.len() < NEAR_CHARS_MIN { NEAR - 1 } else { NEAR };
    let is_short = name.len() < NEAR_CHARS_MIN / 2 || key.len() < NEAR_CHARS_MIN / 2;
    (plain(&key) == plain(name) || (distance <= most && !is_short)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_far_from_all_keys_are_not_ours() {
        let settings = Settings::new();
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(near(&settings, name).as_deref(), expected, "{name}");
        };
        check("btch_size", Some("batch_size"));
        check("batchsize", Some("batch_size"));
        check("thread", Some("threads"));
        check("_to", Some("to"));
        for name in ["corpora", "race_data", "no_corpora", "soak", "race", "t0", "x", "home"] {
            check(name, None);
        }
    }
}
