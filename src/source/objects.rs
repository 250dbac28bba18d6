//! The objects that URLs stand for: patterns and prefixes.

use super::Input;
use super::list::{Directories, Patterns};
use crate::error::Error;
use crate::store::url::{Scheme, StoreUrl};
use crate::store::{StoreInput, Stores};

/// Adds what a URL stands for.
///
/// - Errors: `Usage` for a pattern or prefix that matches nothing; `Io` if listing fails.
pub(super) fn add(
    url: &StoreUrl,
    patterns: Patterns,
    directories: Directories,
    stores: &Stores,
    inputs: &mut Vec<Input>,
) -> Result<(), Error> {
    let is_pattern = patterns == Patterns::Expand
        && url.scheme() != Scheme::Http
        && memchr::memchr3(b'*', b'?', b'[', url.key().as_bytes()).is_some();
    if is_pattern {
        return listed::add_matches(url, stores, inputs);
    }
    if url.is_prefix() {
        return listed::add_below(url, stores, inputs);
    }
    if directories == Directories::Walk && url.scheme() != Scheme::Http {
        return listed::add_either(url, stores, inputs);
    }
    inputs.push(Input::Url(StoreInput::from(url.clone())));
    Ok(())
}

#[cfg(not(feature = "cloud"))]
mod listed {
    use super::*;
    use crate::store;

    pub(super) fn add_matches(url: &StoreUrl, _: &Stores, _: &mut Vec<Input>) -> Result<(), Error> {
        Err(store::absent(url))
    }

    pub(super) use add_matches as add_below;
    pub(super) use add_matches as add_either;
}

#[cfg(feature = "cloud")]
mod listed {
    use glob::{MatchOptions, Pattern};

    use super::*;
    use crate::convert::Cancel;
    use crate::format::InputFormat;
    use crate::store::Object;

    const OPTIONS: MatchOptions = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };

    /// Adds the objects whose keys fit; a key that is the pattern itself is taken alone.
    pub(super) fn add_matches(
        url: &StoreUrl,
        stores: &Stores,
        inputs: &mut Vec<Input>,
    ) -> Result<(), Error> {
        let key = url.key();
        let literal = key.find(['*', '?', '[']).map_or(key, |at| &key[..at]);
        let objects = list(url, literal, stores)?;
        if let Some(same) = objects.iter().find(|object| object.key == key) {
            inputs.push(input(url, same.clone()));
            return Ok(());
        }
        let pattern = Pattern::new(key).map_err(|cause| {
            let message = format!("{url}: expected a pattern: {cause}");
            Error::usage(message).with_hint("`[ab]` stands for one of several, `[*]` for a star")
        })?;
        let matching = |object: &Object| pattern.matches_with(&object.key, OPTIONS);
        let before = inputs.len();
        inputs.extend(objects.into_iter().filter(matching).map(|object| input(url, object)));
        if inputs.len() == before {
            let message = format!("{url}: expected objects that match, found none");
            return Err(Error::usage(message).with_hint(
                "`*` and `?` stand within a name, `**` for any folders, `[ab]` for one of several",
            ));
        }
        Ok(())
    }

    /// Adds the objects below a prefix that end as inputs do.
    pub(super) fn add_below(
        url: &StoreUrl,
        stores: &Stores,
        inputs: &mut Vec<Input>,
    ) -> Result<(), Error> {
        let prefix = url.key();
        let is_input = |object: &Object| {
            let below = object.key.strip_prefix(prefix).unwrap_or_default();
            let is_hidden = below.split('/').any(|step| step.starts_with('.'));
            InputFormat::from_path(below.as_ref()).is_some() && !is_hidden
        };
        let objects = list(url, prefix, stores)?;
        let before = inputs.len();
        inputs.extend(objects.into_iter().filter(is_input).map(|object| input(url, object)));
        if inputs.len() == before {
            let message =
                format!("{url}: expected objects below it, such as `x.jsonl`, found none");
            return Err(Error::usage(message).with_hint(format!(
                "objects are taken by their endings; others can be named: `{url}*`"
            )));
        }
        Ok(())
    }

    /// Adds an object, or what is below a prefix that was named without its slash.
    pub(super) fn add_either(
        url: &StoreUrl,
        stores: &Stores,
        inputs: &mut Vec<Input>,
    ) -> Result<(), Error> {
        let same = list(url, url.key(), stores)?.into_iter().find(|one| one.key == url.key());
        match same {
            Some(same) => inputs.push(input(url, same)),
            None => add_below(&url.with_key(&format!("{}/", url.key())), stores, inputs)?,
        }
        Ok(())
    }

    fn input(url: &StoreUrl, object: Object) -> Input {
        Input::Url(StoreInput { url: url.with_key(&object.key), object: Some(object) })
    }

    /// Lists what starts with `prefix`, without the empty objects that stand for folders.
    fn list(url: &StoreUrl, prefix: &str, stores: &Stores) -> Result<Vec<Object>, Error> {
        let bucket = stores.bucket(url)?;
        let retry = stores.retry(Cancel::default()).reads;
        let listed = stores.wait(&retry, bucket.list(prefix, &retry))?;
        let mut objects = listed
            .map_err(|failure| failure.into_error(url.scheme(), url.shown(), "listing it"))?;
        let is_folder = |object: &Object| {
            let below = format!("{}/", object.key);
            // others may stand between them: `.` sorts before `/`
            let at = objects.partition_point(|other| other.key.as_bytes() < below.as_bytes());
            object.size == 0 && objects.get(at).is_some_and(|next| next.key.starts_with(&below))
        };
        let folders: Vec<bool> = objects.iter().map(is_folder).collect();
        let mut folders = folders.into_iter();
        objects.retain(|_| !folders.next().unwrap_or_default());
        Ok(objects)
    }
}
