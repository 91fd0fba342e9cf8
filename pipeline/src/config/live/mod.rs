//! The sections of running live: brokers, topics, delivery, state, HTTP. Draft to [`Live`].
//!
//! Secrets and other texts may stand outside of the config, in the environment or in files. Where they are
//! not read (`replay`, `check --offline`) everything else is checked all the same. Not here: any talk with
//! a broker.
//!
//! [`Live`]: crate::model::live::Live

mod draft;
pub(super) mod followers;
mod options;
mod properties;
mod resolve;
mod security;
mod state;
mod topics;

pub(super) use draft::LiveDraft;
pub(super) use options::SECTIONS;
pub(super) use properties::PASSED_THROUGH;
pub(super) use resolve::resolve;
