//! The sections of running live: brokers, topics, delivery, state, HTTP. Draft to [`Live`].
//!
//! Secrets and other texts may stand outside of the config, in the environment or in files. Where they are
//! not read (`replay`, `check --offline`) everything else is checked all the same. Not here: any talk with
//! a broker.
//!
//! [`Live`]: crate::model::live::Live

pub(super) mod draft;
pub(super) mod followers;
pub(super) mod options;
pub(super) mod properties;
pub(super) mod resolve;
mod security;
mod state;
mod topics;
