//! `[state]` and its object store options.

use object_store::aws::AmazonS3ConfigKey;
use object_store::azure::AzureConfigKey;
use object_store::gcp::GoogleConfigKey;

use super::super::diagnostic::{Diagnostics, nearest};
use super::super::external_text::TextReader;
use super::super::places::Places;
use super::draft::{LiveDraft, home_in};
use crate::model::Secret;
use crate::model::live::StateSettings;

/// An object store: schemes of its URLs, whether it has an option, and options that are often needed.
struct Store {
    schemes: &'static [&'static str],
    name: &'static str,
    has: fn(&str) -> bool,
    common: &'static [&'static str],
}

const STORES: &[Store] = &[
    Store {
        schemes: &["s3", "s3a"],
        name: "S3",
        has: |name| name.parse::<AmazonS3ConfigKey>().is_ok(),
        common: &[
            "aws_access_key_id",
            "aws_allow_http",
            "aws_endpoint",
            "aws_region",
            "aws_secret_access_key",
            "aws_session_token",
            "aws_virtual_hosted_style_request",
        ],
    },
    Store {
        schemes: &["gs"],
        name: "Google Cloud Storage",
        has: |name| name.parse::<GoogleConfigKey>().is_ok(),
        common: &[
            "google_application_credentials",
            "google_base_url",
            "google_service_account",
            "google_service_account_key",
        ],
    },
    Store {
        schemes: &["az", "adl", "azure", "abfs", "abfss"],
        name: "Azure",
        has: |name| name.parse::<AzureConfigKey>().is_ok(),
        common: &[
            "azure_client_id",
            "azure_client_secret",
            "azure_endpoint",
            "azure_storage_account_key",
            "azure_storage_account_name",
            "azure_storage_sas_token",
            "azure_tenant_id",
        ],
    },
];

/// Reads them; what is wrong is told.
pub(super) fn read(
    draft: &LiveDraft,
    places: &Places,
    texts: &TextReader<'_>,
    diagnostics: &mut Diagnostics,
) -> StateSettings {
    let home = texts.read(&draft.home, diagnostics);
    if let Some(home) = &home {
        check_options(home, draft, places, diagnostics);
    }
    let mut options = std::collections::BTreeMap::new();
    for option in &draft.home_options {
        if let Some(value) = texts.read(&option.text, diagnostics) {
            options.insert(option.name.to_lowercase(), Secret::new(value));
        }
    }
    let home = home.unwrap_or_default();
    let home = match texts.outside {
        Some(outside) => home_in(outside.folder, &home).to_string_lossy().into_owned(),
        None => home,
    };
    StateSettings { home, options, ..draft.state.clone() }
}

fn check_options(home: &str, draft: &LiveDraft, places: &Places, diagnostics: &mut Diagnostics) {
    let Some((scheme, _)) = home.split_once("://") else {
        if !draft.home_options.is_empty() {
            diagnostics
                .warning(
                    places.key("state.options"),
                    "[state.options] has no effect: the home is a folder",
                )
                .help("options are for an object store: home = \"s3://bucket/prefix\"");
        }
        return;
    };
    let Some(store) = STORES.iter().find(|store| store.schemes.contains(&scheme)) else {
        diagnostics
            .error(
                places.value("state.home"),
                format!("no known store begins with \"{scheme}://\""),
            )
            .help("use a folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix");
        return;
    };
    for option in &draft.home_options {
        let name = option.name.to_lowercase();
        if (store.has)(&name) {
            continue;
        }
        let item = diagnostics
            .error(option.span.clone(), format!("{} has no option `{}`", store.name, option.name));
        if let Some(near) = nearest(&name, store.common.iter().copied()) {
            item.label(format!("did you mean `{near}`?"));
        }
        item.help(format!("common options: {}", store.common.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_options_exist() {
        for store in STORES {
            for name in store.common {
                assert!((store.has)(name), "{name}");
            }
        }
    }
}
