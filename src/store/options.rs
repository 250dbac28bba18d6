//! `--store-option`: what users may set of a store, and what they must not on a command line.

use std::fmt;
use std::time::Duration;

use super::url::Scheme;
use crate::error::Error;
use crate::nearest::nearest;
use crate::retry::{RetryOptions, SourceRetry};

/// How requests to stores are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// Settings that are not secret.
    pub settings: Vec<StoreSetting>,
    /// How long a request may take until it is answered, and an answer may pause.
    pub request_timeout: Option<Duration>,
    /// How often requests are made again, and when.
    pub retry: RetryOptions,
    /// The same for those that read, where that differs.
    pub source_retry: SourceRetry,
}

/// One setting, `KEY=VALUE`.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreSetting {
    key: &'static Key,
    value: String,
}

/// What a key means to each service, under the name that `object_store` has for it.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    name: &'static str,
    s3: Option<&'static str>,
    gs: Option<&'static str>,
    az: Option<&'static str>,
}

/// What a value must look like.
const BOOLEANS: [&str; 9] = [
    "allow_http",
    "allow_invalid_certificates",
    "path_style",
    "requester_pays",
    "skip_signature",
    "unsigned_payload",
    "use_azure_cli",
    "use_emulator",
    "s3_express",
];

const fn s3(name: &'static str, s3: &'static str) -> Key {
    Key { name, s3: Some(s3), gs: None, az: None }
}

const fn az(name: &'static str, az: &'static str) -> Key {
    Key { name, s3: None, gs: None, az: Some(az) }
}

const fn all(name: &'static str, each: &'static str) -> Key {
    Key { name, s3: Some(each), gs: Some(each), az: Some(each) }
}

/// Every key, by name.
static KEYS: [Key; 27] = [
    az("account", "account_name"),
    all("allow_http", "allow_http"),
    all("allow_invalid_certificates", "allow_invalid_certificates"),
    Key {
        name: "application_credentials",
        s3: None,
        gs: Some("application_credentials"),
        az: None,
    },
    az("authority_host", "authority_host"),
    s3("checksum_algorithm", "checksum_algorithm"),
    az("client_id", "client_id"),
    Key { name: "endpoint", s3: Some("endpoint"), gs: Some("base_url"), az: Some("endpoint") },
    az("federated_token_file", "federated_token_file"),
    az("msi_endpoint", "msi_endpoint"),
    az("object_id", "object_id"),
    s3("path_style", "virtual_hosted_style_request"),
    s3("profile", "profile"),
    all("proxy_excludes", "proxy_excludes"),
    all("proxy_url", "proxy_url"),
    s3("region", "region"),
    s3("requester_pays", "request_payer"),
    s3("s3_express", "s3_express"),
    s3("server_side_encryption", "server_side_encryption"),
    Key { name: "service_account", s3: None, gs: Some("service_account"), az: None },
    all("skip_signature", "skip_signature"),
    s3("sse_kms_key_id", "sse_kms_key_id"),
    az("tenant_id", "tenant_id"),
    s3("unsigned_payload", "unsigned_payload"),
    az("use_azure_cli", "use_azure_cli"),
    az("use_emulator", "use_emulator"),
    all("user_agent", "user_agent"),
];

impl StoreSetting {
    /// Reads `KEY=VALUE`; `aws_`, `azure_` and `google_` may stand before the key.
    ///
    /// - Errors: `Usage`, which never holds the value: for a key that is not known, for one whose
    ///   value would be a secret, for a value that cannot be.
    pub fn parse(text: &str) -> Result<StoreSetting, Error> {
        let Some((written, value)) = text.split_once('=') else {
            let message = "`--store-option`: expected `KEY=VALUE`, found no `=`";
            return Err(
                Error::usage(message).with_hint("such as `--store-option region=eu-west-1`")
            );
        };
        let written = written.trim().to_ascii_lowercase();
        let shown = crate::sink::names::printable(&written);
        if let Some(variable) = secret(&written) {
            let message = format!("`--store-option {shown}`: expected a setting that is no secret");
            return Err(Error::usage(message).with_hint(format!(
                "others can see arguments: set `{variable}` in the environment instead"
            )));
        }
        let name = ["aws_", "azure_storage_", "azure_", "google_"]
            .iter()
            .find_map(|prefix| written.strip_prefix(prefix))
            .unwrap_or(&written);
        let name = match name {
            "endpoint_url" | "base_url" => "endpoint",
            "account_name" => "account",
            "default_region" => "region",
            "request_payer" => "requester_pays",
            name => name,
        };
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            let known: Vec<_> = KEYS.iter().map(|key| format!("`{}`", key.name)).collect();
            let message = format!("`--store-option {shown}`: expected a known setting");
            let error = Error::usage(message);
            return Err(match nearest(name, Self::keys()) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error.with_hint(format!("one of {}", known.join(", "))),
            });
        };
        let is_boolean = BOOLEANS.contains(&key.name);
        if is_boolean && !matches!(value, "true" | "false") {
            let message = format!("`--store-option {shown}`: expected `true` or `false`");
            return Err(Error::usage(message));
        }
        // a password in it would be seen as well
        let is_url = key.name.ends_with("endpoint") || key.name == "proxy_url";
        if is_url && value.split("://").nth(1).is_some_and(|rest| rest.contains('@')) {
            let message = format!("`--store-option {shown}`: expected a URL without a password");
            return Err(Error::usage(message).with_hint("others can see arguments"));
        }
        Ok(StoreSetting { key, value: value.to_owned() })
    }

    /// Returns the keys that are known.
    pub fn keys() -> impl Iterator<Item = &'static str> {
        KEYS.iter().map(|key| key.name)
    }

    /// Returns the key and value as `object_store` wants them for a service, if it has the setting.
    #[cfg_attr(not(feature = "cloud"), allow(dead_code, reason = "there are no services"))]
    pub(crate) fn for_service(&self, scheme: Scheme) -> Option<(&'static str, String)> {
        let key = match scheme {
            Scheme::S3 => self.key.s3,
            Scheme::Gs => self.key.gs,
            Scheme::Az => self.key.az,
            // what all have in common
            Scheme::Http => self.key.s3.filter(|_| self.key.gs == self.key.s3),
        }?;
        let value = match (self.key.name, self.value.as_str()) {
            ("path_style", value) => (value == "false").to_string(),
            (_, value) => value.to_owned(),
        };
        Some((key, value))
    }
}

/// Shows no value: it may be none that others should see, whatever the key says.
impl fmt::Debug for StoreSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.key.name)
    }
}

/// Returns the variable to set where a key's value would be a secret.
fn secret(key: &str) -> Option<&'static str> {
    const WORDS: [&str; 7] =
        ["secret", "password", "token", "sas", "bearer", "access_key", "account_key"];
    const MORE: [&str; 4] = ["master_key", "customer_key", "encryption_key", "service_account_key"];
    if key.ends_with("_token_file") || !WORDS.iter().chain(&MORE).any(|word| key.contains(word)) {
        return None;
    }
    Some(match key {
        key if key.contains("access_key_id") => "AWS_ACCESS_KEY_ID",
        key if key.contains("secret_access_key") => "AWS_SECRET_ACCESS_KEY",
        key if key.contains("client_secret") => "AZURE_CLIENT_SECRET",
        key if key.contains("sas") => "AZURE_STORAGE_SAS_TOKEN",
        key if key.contains("customer_key") => "AWS_SSE_CUSTOMER_KEY_BASE64",
        key if key.contains("service_account_key") => "GOOGLE_SERVICE_ACCOUNT_KEY",
        key if key.contains("bearer") => "GOOGLE_BEARER_TOKEN",
        key if key.contains("token") => "AWS_SESSION_TOKEN",
        key if key.contains("encryption_key") => "AZURE_STORAGE_ENCRYPTION_KEY",
        _ => "AZURE_STORAGE_ACCOUNT_KEY",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_each_service_calls_them() {
        let of = |text: &str, scheme| StoreSetting::parse(text).unwrap().for_service(scheme);
        let some = |key, value: &str| Some((key, value.to_owned()));
        assert_eq!(of("endpoint=http://x", Scheme::S3), some("endpoint", "http://x"));
        assert_eq!(of("endpoint=http://x", Scheme::Gs), some("base_url", "http://x"));
        assert_eq!(of("endpoint=http://x", Scheme::Http), None);
        assert_eq!(
            of("path_style=true", Scheme::S3),
            some("virtual_hosted_style_request", "false")
        );
        assert_eq!(of("AWS_REGION=eu-west-1", Scheme::S3), some("region", "eu-west-1"));
        assert_eq!(of("region=eu-west-1", Scheme::Gs), None);
        assert_eq!(of("azure_storage_account_name=a", Scheme::Az), some("account_name", "a"));
        assert_eq!(of("proxy_url=http://p", Scheme::Http), some("proxy_url", "http://p"));
    }

    #[test]
    fn secrets_are_refused_and_never_shown() {
        let cases = [
            ("aws_secret_access_key=hunter2", "AWS_SECRET_ACCESS_KEY"),
            ("access_key_id=hunter2", "AWS_ACCESS_KEY_ID"),
            ("AWS_SESSION_TOKEN=hunter2", "AWS_SESSION_TOKEN"),
            ("token=hunter2", "AWS_SESSION_TOKEN"),
            ("azure_storage_account_key=hunter2", "AZURE_STORAGE_ACCOUNT_KEY"),
            ("sas_token=hunter2", "AZURE_STORAGE_SAS_TOKEN"),
            ("client_secret=hunter2", "AZURE_CLIENT_SECRET"),
            ("service_account_key=hunter2", "GOOGLE_SERVICE_ACCOUNT_KEY"),
            ("google_bearer_token=hunter2", "GOOGLE_BEARER_TOKEN"),
            ("proxy_url=http://me:hunter2@proxy", "arguments"),
            ("nothing=hunter2", "`region`"),
            ("path_style=hunter2", ""),
            ("hunter2", "region"),
        ];
        for (text, hint) in cases {
            let error = StoreSetting::parse(text).unwrap_err();
            let found = error.hint().unwrap_or_default();
            assert!(found.contains(hint), "{text}: {found}");
            assert!(!format!("{error} {found} {error:?}").contains("hunter2"), "{text}: {error}");
        }
        let setting = StoreSetting::parse("region=hunter2").unwrap();
        assert_eq!(format!("{setting:?}"), "region=…");
        assert!(StoreSetting::parse("federated_token_file=/run/token").is_ok());
    }

    #[test]
    fn keys_are_in_order() {
        assert!(KEYS.is_sorted_by_key(|key| key.name));
        assert!(BOOLEANS.iter().all(|name| StoreSetting::keys().any(|key| key == *name)));
    }
}
