//! Files in and out: good and hostile input, snapshots, generated sets, `tune` over them.

mod arrow_files;
mod bombs;
mod compat;
mod fuzz;
mod generate;
mod hostile_decode;
mod hostile_replay;
mod json_model;
mod keyvalue_codec;
mod sparse;
mod state;
mod tune;
