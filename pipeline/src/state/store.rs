//! Opening a home: which store its settings mean.
//!
//! A folder by its path, or a URL: `s3://bucket/prefix`, `gs://`, `az://`, `memory://` (for tests). What
//! the settings do not say comes from the environment, as with the tools of each cloud.

use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};

use super::fault::StateFault;
use crate::model::live::StateSettings;

/// Retries of a request.
const RETRIES: usize = 5;
/// No retry begins later than this after the first try.
const RETRY_FOR: Duration = Duration::from_secs(30);
/// Options that hold unless the settings say something else.
const DEFAULTS: [(&str, &str); 2] = [("timeout", "20s"), ("connect_timeout", "5s")];

/// A store, the path of the home in it, and its folder where it is one.
pub(super) struct Opened {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) prefix: Path,
    pub(super) folder: Option<PathBuf>,
}

/// A cloud's store by its builder: defaults first, then the environment's options, then the user's own.
macro_rules! cloud {
    ($builder:ty, $settings:expr) => {{
        let settings: &StateSettings = $settings;
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES,
            retry_timeout: RETRY_FOR,
        };
        let mut builder = <$builder>::from_env().with_url(settings.home.clone()).with_retry(retry);
        for (name, value) in DEFAULTS {
            if !settings.options.contains_key(name) {
                builder = builder.with_config(key(name)?, value);
            }
        }
        for (name, value) in &settings.options {
            builder = builder.with_config(key(name)?, value.expose());
        }
        Arc::new(builder.build().map_err(|error| fault("home", &error))?) as Arc<dyn ObjectStore>
    }};
}

pub(super) fn open(settings: &StateSettings) -> Result<Opened, StateFault> {
    let Some((scheme, rest)) = settings.home.split_once("://") else {
        return folder(settings, PathBuf::from(&settings.home));
    };
    // An error only says that it is chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store = match scheme {
        "s3" | "s3a" => cloud!(AmazonS3Builder, settings),
        "gs" => cloud!(GoogleCloudStorageBuilder, settings),
        "az" | "abfs" | "abfss" => cloud!(MicrosoftAzureBuilder, settings),
        "memory" => Arc::new(InMemory::new()),
        "file" => return folder(settings, PathBuf::from(rest)),
        _ => {
            return Err(StateFault::Settings {
                what: format!("home = {:?}", settings.home),
                why: format!("{scheme}:// is no known kind of store"),
                remedy: "give a folder, or a URL that begins with s3://, gs:// or az://",
            });
        }
    };
    let prefix = rest.split_once('/').map_or("", |(_, prefix)| prefix);
    let prefix = Path::parse(prefix).map_err(|error| fault("home", &error.into()))?;
    Ok(Opened { store, prefix, folder: None })
}

fn folder(settings: &StateSettings, folder: PathBuf) -> Result<Opened, StateFault> {
    if let Some(option) = settings.options.keys().next() {
        return Err(StateFault::Settings {
            what: format!("options.{option}"),
            why: "a folder has no options".into(),
            remedy: "leave them out, or name a bucket as `home`",
        });
    }
    let unusable = |source: std::io::Error| {
        let error = object_store::Error::Generic { store: "folder", source: Box::new(source) };
        StateFault::of("make the folder", &folder.display().to_string(), &error)
    };
    make_private(&folder).map_err(unusable)?;
    let store = LocalFileSystem::new_with_prefix(&folder);
    let store = store.map_err(|e| StateFault::of("open", &folder.display().to_string(), &e))?;
    // A snapshot that is told to be there survives a power cut: file and folder are synced.
    let store = Arc::new(store.with_fsync(true));
    Ok(Opened { store, prefix: Path::default(), folder: Some(folder) })
}

/// Makes a folder, and what it lies in, for this user alone; what is there stays as it is.
pub(super) fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// An option by its name, whatever the cloud.
fn key<K: std::str::FromStr>(name: &str) -> Result<K, StateFault> {
    name.to_ascii_lowercase().parse().map_err(|_| StateFault::Settings {
        what: format!("options.{name}"),
        why: "this kind of store has no such option".into(),
        remedy: "see the options of object_store's configuration for its names, such as aws_endpoint",
    })
}

fn fault(what: &str, error: &object_store::Error) -> StateFault {
    StateFault::Settings {
        what: what.into(),
        why: error.to_string(),
        remedy: "see the options of this kind of store, and the environment's credentials",
    }
}
