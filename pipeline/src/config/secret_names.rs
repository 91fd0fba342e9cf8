//! Which names of properties and options hold secrets. Not here: how their values are hidden.

/// A name that has one of these is a secret's ...
const PARTS: &[&str] =
    &["password", "passphrase", "secret", "credential", "oauthbearer.config", "jaas"];
/// ... or that ends with one of these ...
const ENDS: &[&str] = &["token", "key.pem", "_key", "sas", "key_base64"];
/// ... unless it ends with one of these: where something stands, or what it is called.
const NOT_ENDS: &[&str] =
    &["file", "path", "location", "id", "url", "uri", "type", "application_credentials"];

/// Whether a property or option of that name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    !ends(NOT_ENDS) && (PARTS.iter().any(|part| name.contains(part)) || ends(ENDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "sasl.password",
            "key_password",
            "ssl.key.pem",
            "aws_secret_access_key",
            "AWS_SESSION_TOKEN",
            "azure_storage_account_key",
            "azure_storage_sas_token",
            "google_service_account_key",
            "sasl.oauthbearer.client.secret",
            "ssl_key",
            "token",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "aws_access_key_id",
            "aws_web_identity_token_file",
            "sasl.oauthbearer.token.endpoint.url",
            "ssl.key.location",
            "google_application_credentials",
            "aws_endpoint",
            "client.rack",
            "keys.model",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
