//! Files in and out: good and hostile input, snapshots, generated sets, `tune` over them.

mod compat;
mod generate;
mod hostile_decode;
mod hostile_replay;
mod keyvalue_codec;
mod sparse;
mod state;
mod tune;
