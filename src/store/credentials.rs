//! Who asks, for AWS: the environment, profiles, single sign-on, roles, processes, containers,
//! instances, in the order of Amazon's own tools.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use reqsign_aws_core::{Credential, DefaultCredentialProvider};
use reqsign_command_execute_tokio::TokioCommandExecute;
use reqsign_core::time::Timestamp;
use reqsign_core::{Context, HttpSend, OsEnv, ProvideCredential, SigningCredential};
use reqsign_file_read_tokio::TokioFileRead;
use tokio::sync::Mutex;

use super::failure::masked;

/// The chain, and what it gave last.
#[derive(Debug)]
pub(super) struct AwsChain {
    profile: Option<String>,
    chain: DefaultCredentialProvider,
    known: Mutex<Option<Credential>>,
}

impl AwsChain {
    /// Begins a chain; `profile` goes before `AWS_PROFILE`.
    pub(super) fn new(profile: Option<String>) -> Self {
        let mut builder = DefaultCredentialProvider::builder();
        if let Some(profile) = &profile {
            // it was named for this run, so it goes before keys in the environment
            builder = builder.with_profile(profile).no_env();
        }
        AwsChain { profile, chain: builder.build(), known: Mutex::new(None) }
    }

    /// Returns the region that the profile names, from the file that Amazon's tools keep.
    pub(super) fn region(&self) -> Option<String> {
        let given = std::env::var_os("AWS_CONFIG_FILE").map(std::path::PathBuf::from);
        let file = given.or_else(|| Some(std::env::home_dir()?.join(".aws/config")))?;
        let config = ini::Ini::load_from_file(file).ok()?;
        let named = self.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok());
        let section = match named.as_deref() {
            None | Some("default") => "default".to_owned(),
            Some(name) => format!("profile {name}"),
        };
        config.section(Some(section))?.get("region").map(str::to_owned)
    }

    async fn load(&self) -> object_store::Result<Option<Credential>> {
        let context = Context::new()
            .with_env(OsEnv)
            .with_file_read(TokioFileRead)
            .with_command_execute(TokioCommandExecute)
            .with_http_send(Sender::new()?);
        self.chain.provide_credential(&context).await.map_err(failed)
    }
}

#[async_trait]
impl CredentialProvider for AwsChain {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut known = self.known.lock().await;
        if !known.as_ref().is_some_and(Credential::is_valid) {
            match self.load().await {
                Ok(Some(fresh)) => *known = Some(fresh),
                // What is about to end is good until then.
                _ if known.as_ref().is_some_and(|one| one.is_valid_at(Timestamp::now())) => {}
                Ok(None) => return Err(failed("there are none")),
                Err(cause) => return Err(cause),
            }
        }
        let found = known.as_ref().ok_or_else(|| failed("there are none"))?;
        Ok(Arc::new(AwsCredential {
            key_id: found.access_key_id.clone(),
            secret_key: found.secret_access_key.clone(),
            token: found.session_token.clone(),
        }))
    }
}

/// Builds the error that there are no credentials; its text holds none either.
fn failed(cause: impl std::fmt::Display) -> object_store::Error {
    object_store::Error::Unauthenticated {
        path: String::new(),
        source: format!("finding credentials failed: {}", masked(&cause.to_string())).into(),
    }
}

/// Sends the requests of the chain: to single sign-on, to roles, to containers and instances.
#[derive(Debug)]
struct Sender(reqwest::Client);

/// How long a service that gives credentials may take: on a machine that has none, nobody answers.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// How long a connection to it may take: the address of instances leads nowhere elsewhere.
const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);

impl Sender {
    fn new() -> object_store::Result<Self> {
        let builder = reqwest::Client::builder().timeout(TIMEOUT).connect_timeout(CONNECT_TIMEOUT);
        builder.build().map(Sender).map_err(failed)
    }
}

impl HttpSend for Sender {
    async fn http_send(
        &self,
        request: http::Request<Bytes>,
    ) -> reqsign_core::Result<http::Response<Bytes>> {
        let unexpected = |cause: reqwest::Error| {
            reqsign_core::Error::unexpected(masked(&cause.without_url().to_string()))
        };
        let request = reqwest::Request::try_from(request).map_err(unexpected)?;
        let response = self.0.execute(request).await.map_err(unexpected)?;
        let response: http::Response<reqwest::Body> = response.into();
        let (parts, body) = response.into_parts();
        let body = http_body_util::BodyExt::collect(body).await.map_err(unexpected)?;
        Ok(http::Response::from_parts(parts, body.to_bytes()))
    }
}
