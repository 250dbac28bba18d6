//! Who asks, for AWS: the environment, profiles, single sign-on, web identities, processes,
//! containers, instances, in the order of Amazon's own tools.

use std::fmt;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use reqsign_aws_core::{Credential, DefaultCredentialProvider};
use reqsign_command_execute_tokio::TokioCommandExecute;
use reqsign_core::time::Timestamp;
use reqsign_core::{
    CommandExecute, CommandOutput, Context, HttpSend, OsEnv, ProvideCredential, SigningCredential,
};
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

    async fn load(&self) -> object_store::Result<Credential> {
        let trouble = Arc::default();
        let context = Context::new()
            .with_env(OsEnv)
            .with_file_read(TokioFileRead)
            .with_command_execute(Runner(Arc::clone(&trouble)))
            .with_http_send(Sender::new(Arc::clone(&trouble))?);
        // the chain goes on behind whoever fails, and forgets why
        let found = self.chain.provide_credential(&context).await;
        match found.map_err(|cause| failed(Trouble::lasting(cause)))? {
            Some(found) => Ok(found),
            None => {
                let trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
                Err(failed(trouble.unwrap_or_else(|| Trouble::lasting("there are none"))))
            }
        }
    }
}

#[async_trait]
impl CredentialProvider for AwsChain {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut known = self.known.lock().await;
        if !known.as_ref().is_some_and(Credential::is_valid) {
            match self.load().await {
                Ok(fresh) => *known = Some(fresh),
                // What is about to end is good until then.
                _ if known.as_ref().is_some_and(|one| one.is_valid_at(Timestamp::now())) => {}
                Err(cause) => return Err(cause),
            }
        }
        let found = known.as_ref().ok_or_else(|| failed(Trouble::lasting("there are none")))?;
        Ok(Arc::new(AwsCredential {
            key_id: found.access_key_id.clone(),
            secret_key: found.secret_access_key.clone(),
            token: found.session_token.clone(),
        }))
    }
}

/// Builds the error that there are no credentials; its text holds none either.
fn failed(Trouble { text, is_transient }: Trouble) -> object_store::Error {
    let text = format!("finding credentials failed: {}", masked(&text));
    object_store::Error::Unauthenticated {
        path: String::new(),
        source: Box::new(Trouble { text, is_transient }),
    }
}

/// Why whoever was asked gave no credentials.
#[derive(Debug)]
pub(super) struct Trouble {
    text: String,
    /// The next try may find some.
    pub is_transient: bool,
}

impl Trouble {
    fn lasting(text: impl fmt::Display) -> Self {
        Trouble { text: text.to_string(), is_transient: false }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Trouble {}

/// The last trouble of a walk along the chain.
type LastTrouble = Arc<std::sync::Mutex<Option<Trouble>>>;

fn note(last: &LastTrouble, trouble: Trouble) {
    last.lock().unwrap_or_else(PoisonError::into_inner).replace(trouble);
}

/// Runs the processes of profiles that give credentials.
#[derive(Debug)]
struct Runner(LastTrouble);

impl CommandExecute for Runner {
    async fn command_execute(
        &self,
        program: &str,
        args: &[&str],
    ) -> reqsign_core::Result<CommandOutput> {
        let done = TokioCommandExecute.command_execute(program, args).await;
        // what it printed may be a secret
        match &done {
            Ok(output) if output.success() => {}
            Ok(output) => {
                let text = format!("`credential_process` ended with status {}", output.status);
                note(&self.0, Trouble::lasting(text));
            }
            Err(cause) => note(&self.0, Trouble::lasting(format!("`credential_process`: {cause}"))),
        }
        done
    }
}

/// Sends the requests of the chain: to single sign-on, to roles, to containers and instances.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    trouble: LastTrouble,
}

/// Where instances ask for a token first; that nobody is there says nothing.
const INSTANCE_PATH: &str = "/latest/";

/// How long a service that gives credentials may take: on a machine that has none, nobody answers.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// How long a connection to it may take: the address of instances leads nowhere elsewhere.
const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);

impl Sender {
    fn new(trouble: LastTrouble) -> object_store::Result<Self> {
        let builder = reqwest::Client::builder().timeout(TIMEOUT).connect_timeout(CONNECT_TIMEOUT);
        let client = builder.build().map_err(|cause| failed(Trouble::lasting(cause)))?;
        Ok(Sender { client, trouble })
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
        let is_instance = request.url().path().starts_with(INSTANCE_PATH);
        let response = self.client.execute(request).await.map_err(|cause| {
            let cause = unexpected(cause);
            if !is_instance {
                let text = format!("nobody answers who gives them: {cause}");
                note(&self.trouble, Trouble { text, is_transient: true });
            }
            cause
        })?;
        let status = response.status();
        if !status.is_success() && !is_instance {
            let is_transient = status.is_server_error() || status.as_u16() == 429;
            let text = format!("whoever gives them answered {}", status.as_u16());
            note(&self.trouble, Trouble { text, is_transient });
        }
        let response: http::Response<reqwest::Body> = response.into();
        let (parts, body) = response.into_parts();
        let body = http_body_util::BodyExt::collect(body).await.map_err(unexpected)?;
        Ok(http::Response::from_parts(parts, body.to_bytes()))
    }
}
