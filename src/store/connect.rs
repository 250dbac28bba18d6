//! A connection to each service, from what users set and what the environment holds.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::list::PaginatedListStore;
use object_store::multipart::MultipartStore;
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig, StaticCredentialProvider,
};

use super::credentials::AwsChain;
use super::failure::Answer;
use super::options::StoreOptions;
use super::url::{Scheme, StoreUrl};
use crate::error::Error;

/// A bucket as the library sees it: one store, with what each of its traits can do.
pub(super) struct Connected {
    pub objects: Arc<dyn ObjectStore>,
    pub lists: Arc<dyn PaginatedListStore>,
    pub uploads: Arc<dyn MultipartStore>,
}

impl Connected {
    fn new<S: ObjectStore + PaginatedListStore + MultipartStore>(store: S) -> Self {
        let store = Arc::new(store);
        Connected {
            objects: Arc::clone(&store) as _,
            lists: Arc::clone(&store) as _,
            uploads: store,
        }
    }
}

/// The longest that a connection may take to be made.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to the bucket or container of a URL; nothing is sent yet.
///
/// - Errors: `Usage` where settings, or what the environment holds, cannot be.
pub(super) fn connect(
    url: &StoreUrl,
    options: &StoreOptions,
    request_timeout: Duration,
) -> Result<Connected, Error> {
    let client = ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(request_timeout.min(CONNECT_TIMEOUT));
    // tries are counted, and signed again, where requests are made
    let once = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 0,
        retry_timeout: Duration::ZERO,
    };
    let settings = options.settings.iter().filter_map(|one| one.for_service(url.scheme()));
    match url.scheme() {
        Scheme::S3 => s3(url, client, once, settings),
        Scheme::Gs => gs(url, client, once, settings),
        Scheme::Az => az(url, client, once, settings),
        Scheme::Http => Err(Error::usage(format!("{url}: expected an object store"))),
    }
}

type Setting = (&'static str, String);

fn s3(
    url: &StoreUrl,
    client: ClientOptions,
    once: RetryConfig,
    settings: impl Iterator<Item = Setting>,
) -> Result<Connected, Error> {
    let mut builder =
        AmazonS3Builder::from_env().with_client_options(with_env_options(client, "AWS_"));
    let mut profile = None;
    for (key, value) in settings {
        match key.parse::<AmazonS3ConfigKey>() {
            Ok(key) => builder = builder.with_config(key, value),
            Err(_) => profile = Some(value),
        }
    }
    let chain = AwsChain::new(profile);
    if builder.get_config_value(&AmazonS3ConfigKey::Region).is_none()
        && builder.get_config_value(&AmazonS3ConfigKey::DefaultRegion).is_none()
        && let Some(region) = chain.region()
    {
        builder = builder.with_region(region);
    }
    let endpoint = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint]
        .into_iter()
        .find_map(|key| builder.get_config_value(&key));
    check_endpoint(endpoint.as_deref(), || {
        let key = AmazonS3ConfigKey::Client(object_store::ClientConfigKey::AllowHttp);
        builder.get_config_value(&key)
    })?;
    let store = builder
        .with_bucket_name(url.store())
        .with_credentials(Arc::new(chain))
        // not all that speak the protocol of S3 remove several at once
        .with_disable_bulk_delete(true)
        .with_retry(once)
        .with_http_connector(Noting)
        .build();
    store.map(Connected::new).map_err(|cause| refused(url, &cause))
}

fn gs(
    url: &StoreUrl,
    client: ClientOptions,
    once: RetryConfig,
    settings: impl Iterator<Item = Setting>,
) -> Result<Connected, Error> {
    let mut builder = GoogleCloudStorageBuilder::from_env()
        .with_client_options(with_env_options(client, "GOOGLE_"));
    // the name by which Google's own emulators and libraries know it
    if let Ok(host) = std::env::var("STORAGE_EMULATOR_HOST") {
        let endpoint = if host.contains("://") { host } else { format!("http://{host}") };
        builder = builder.with_config(GoogleConfigKey::BaseUrl, endpoint);
    }
    for (key, value) in settings {
        let key = key.parse::<GoogleConfigKey>().map_err(|cause| refused(url, &cause))?;
        builder = builder.with_config(key, value);
    }
    let skip_signature = builder.get_config_value(&GoogleConfigKey::SkipSignature);
    if skip_signature.as_deref() == Some("true") {
        // object_store 0.14 looks for credentials before it writes, whatever was said
        let nobody = GcpCredential { bearer: String::new() };
        builder = builder.with_credentials(Arc::new(StaticCredentialProvider::new(nobody)));
    }
    check_endpoint(builder.get_config_value(&GoogleConfigKey::BaseUrl).as_deref(), || {
        let key = GoogleConfigKey::Client(object_store::ClientConfigKey::AllowHttp);
        builder.get_config_value(&key)
    })?;
    let store =
        builder.with_bucket_name(url.store()).with_retry(once).with_http_connector(Noting).build();
    store.map(Connected::new).map_err(|cause| refused(url, &cause))
}

fn az(
    url: &StoreUrl,
    client: ClientOptions,
    once: RetryConfig,
    settings: impl Iterator<Item = Setting>,
) -> Result<Connected, Error> {
    let mut builder =
        MicrosoftAzureBuilder::from_env().with_client_options(with_env_options(client, "AZURE_"));
    for (key, value) in settings {
        let key = key.parse::<AzureConfigKey>().map_err(|cause| refused(url, &cause))?;
        builder = builder.with_config(key, value);
    }
    builder = match url.store().split_once('@') {
        Some(_) => builder.with_url(format!("abfss://{}/", url.store())),
        None => builder.with_container_name(url.store()),
    };
    check_endpoint(builder.get_config_value(&AzureConfigKey::Endpoint).as_deref(), || {
        let key = AzureConfigKey::Client(object_store::ClientConfigKey::AllowHttp);
        builder.get_config_value(&key)
    })?;
    let store = builder.with_retry(once).with_http_connector(Noting).build();
    store.map(Connected::new).map_err(|cause| refused(url, &cause))
}

/// Adds what the environment says of connections, which `with_client_options` would replace.
fn with_env_options(client: ClientOptions, prefix: &str) -> ClientOptions {
    let allows = |name: &str| {
        let value = std::env::var(format!("{prefix}{name}"));
        value.is_ok_and(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes"))
    };
    client
        .with_allow_http(allows("ALLOW_HTTP"))
        .with_allow_invalid_certificates(allows("ALLOW_INVALID_CERTIFICATES"))
}

/// Checks that an endpoint without TLS is wanted.
fn check_endpoint(
    endpoint: Option<&str>,
    allow_http: impl Fn() -> Option<String>,
) -> Result<(), Error> {
    let Some(endpoint) = endpoint.filter(|endpoint| endpoint.starts_with("http://")) else {
        return Ok(());
    };
    if allow_http().as_deref() == Some("true") {
        return Ok(());
    }
    let shown = crate::sink::names::printable(endpoint);
    let message = format!("endpoint `{shown}`: expected `https://`, found `http://`");
    Err(Error::usage(message).with_hint("where that is meant: `--store-option allow_http=true`"))
}

fn refused(url: &StoreUrl, cause: &dyn std::error::Error) -> Error {
    let cause = super::failure::masked(&cause.to_string());
    Error::usage(format!("{url}: connecting failed: {cause}"))
        .with_hint("`--store-option` and the environment say where the store is and who asks")
}

tokio::task_local! {
    /// Whether the request at hand is to do nothing where there is an object.
    static IF_NEW: bool;
}

/// Has a request do nothing where there is an object, where `is_wanted`: `object_store` knows this
/// of uploads at once alone, and S3 of those in parts as well.
pub(super) async fn if_new<T>(is_wanted: bool, work: impl Future<Output = T>) -> T {
    IF_NEW.scope(is_wanted, work).await
}

/// Makes clients that note what servers answer.
#[derive(Debug)]
struct Noting;

impl HttpConnector for Noting {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Noted(ReqwestConnector::default().connect(options)?)))
    }
}

/// A client whose failed answers are noted for the request at hand.
#[derive(Debug)]
struct Noted(HttpClient);

#[async_trait]
impl HttpService for Noted {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if IF_NEW.try_with(|is_wanted| *is_wanted).unwrap_or_default() {
            // not one of the headers that have to be signed
            let any = http::HeaderValue::from_static("*");
            request.headers_mut().insert(http::header::IF_NONE_MATCH, any);
        }
        let response = self.0.execute(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = body.bytes().await?;
        Answer::read(status.as_u16(), &parts.headers, &body).note();
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}
