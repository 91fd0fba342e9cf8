//! What people and other programs see: commands, messages, configs, pages, HTTP, files to deploy with.

mod cli;
mod cli_detectors;
mod config;
mod config_live;
mod demo;
mod deploy;
mod docs;
mod http;
mod init;
mod operations;
mod reading;
mod sbom;
mod schemas;
mod sinks;
mod top;
