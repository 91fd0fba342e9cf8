//! Certificates that are made when a test begins, by the `openssl` command.
//!
//! Two authorities: the broker trusts and is signed by the first, nobody knows the second.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the certificates stand, all as PEM.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// The authority that signed the broker's certificate and the client's.
    pub authority: PathBuf,
    /// An authority that signed nothing here: who trusts only this one trusts no broker.
    pub stranger: PathBuf,
    /// Key and certificate of the broker, for 127.0.0.1 and localhost, as one file.
    pub(super) server_store: PathBuf,
    /// Certificate of a client.
    pub client: PathBuf,
    /// Its key.
    pub client_key: PathBuf,
    /// Certificate of a client that the stranger signed.
    pub stranger_client: PathBuf,
    /// Its key.
    pub stranger_client_key: PathBuf,
}

impl Certificates {
    /// Makes them in a folder.
    ///
    /// # Panics
    /// Where `openssl` is missing or refuses.
    pub fn make(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder of certificates can be made");
        let (authority, authority_key) = authority_of(folder, "authority");
        let (stranger, stranger_key) = authority_of(folder, "stranger");
        let (server, server_key) = signed(folder, "server", &authority, &authority_key);
        let (client, client_key) = signed(folder, "client", &authority, &authority_key);
        let (stranger_client, stranger_client_key) =
            signed(folder, "stranger-client", &stranger, &stranger_key);
        let read = |path: &Path| std::fs::read_to_string(path).expect("a certificate can be read");
        let server_store = folder.join("server-store.pem");
        std::fs::write(&server_store, read(&server_key) + &read(&server) + &read(&authority))
            .expect("a folder of certificates can be written");
        Self {
            authority,
            stranger,
            server_store,
            client,
            client_key,
            stranger_client,
            stranger_client_key,
        }
    }
}

const KEY: [&str; 4] = ["-newkey", "rsa:2048", "-noenc", "-sha256"];

fn authority_of(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = pair(folder, name);
    openssl(
        &["req", "-x509", "-days", "2", "-subj", &format!("/CN={name}")],
        &[&KEY[..], &["-addext", "basicConstraints=critical,CA:TRUE"]].concat(),
        &[("-keyout", &key), ("-out", &certificate)],
    );
    (certificate, key)
}

fn signed(folder: &Path, name: &str, by: &Path, by_key: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = pair(folder, name);
    openssl(
        &["req", "-x509", "-days", "2", "-subj", &format!("/CN={name}")],
        &[
            &KEY[..],
            &["-addext", "basicConstraints=critical,CA:FALSE"],
            &["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        ]
        .concat(),
        &[("-CA", by), ("-CAkey", by_key), ("-keyout", &key), ("-out", &certificate)],
    );
    (certificate, key)
}

fn pair(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    (folder.join(format!("{name}.pem")), folder.join(format!("{name}-key.pem")))
}

fn openssl(command: &[&str], options: &[&str], files: &[(&str, &Path)]) {
    let mut run = Command::new("openssl");
    run.args(command).args(options);
    for (option, file) in files {
        run.arg(option).arg(file);
    }
    let out = run.output().expect("openssl can be run; apt-get install openssl");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "openssl refuses {command:?}: {said}");
}
