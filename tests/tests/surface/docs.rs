//! What the documentation shows is true: each config in it is one.

use driftline::config;
use driftline_tests::repository;

const PAGES: [&str; 3] = ["README.md", "docs/kafka.md", "docs/operations.md"];

/// What a page's snippet leaves out, since its subject is another.
const EVENT: &str = "[time]\npath = \"ts\"\n[keys]\nmodel = \"model\"\n[metrics.latency_ms]\n";

fn snippets(text: &str) -> Vec<String> {
    let blocks = text.split("```toml\n").skip(1);
    blocks.filter_map(|rest| Some(rest.split_once("\n```")?.0.to_owned())).collect()
}

#[test]
fn each_config_in_the_docs_is_one() {
    let mut live = 0;
    for page in PAGES {
        let text = std::fs::read_to_string(repository(page)).expect("a page");
        for snippet in snippets(&text) {
            let whole = match snippet.contains("[metrics") {
                true => snippet.clone(),
                false => format!("{EVENT}{snippet}"),
            };
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("driftline.toml");
            // Files and secrets that a snippet names are there.
            let mut whole = whole;
            for folder_of in ["/etc/driftline", "/var/run/secrets/kafka"] {
                whole = whole.replace(folder_of, &folder.path().display().to_string());
            }
            for name in ["ca.pem", "client.pem", "client.key", "token"] {
                std::fs::write(folder.path().join(name), "text\n").expect("a file");
            }
            for name in ["DRIFTLINE_PASSWORD", "AWS_SECRET_ACCESS_KEY"] {
                std::fs::write(folder.path().join(name), "secret").expect("a secret");
                whole = whole.replace(
                    &format!("{{ env = \"{name}\" }}"),
                    &format!("{{ file = \"{name}\" }}"),
                );
            }
            std::fs::write(&path, &whole).expect("a config");
            match snippet.contains("[kafka]") {
                true => {
                    live += 1;
                    if let Err(error) = config::load_live(&path) {
                        panic!("{page}: {error}\n{snippet}");
                    }
                }
                false => {
                    if let Err(error) = config::load(&path) {
                        panic!("{page}: {error}\n{snippet}");
                    }
                }
            }
        }
    }
    assert!(live >= 6, "{live} live configs were found");
}
