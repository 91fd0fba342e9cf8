//! Settings that an option table has yet to fill in.
//!
//! Not a default: what a setting is where a config does not name it is said once, in the table of options.

/// Declares structs of settings, each with a `blank()` for the reader of a config to start from: zero, false
/// and none in every field.
macro_rules! blank_settings {
    ($($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
    })*) => { $(
        $(#[$meta])*
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $name {
            /// Zero, false and none in every field.
            pub(crate) fn blank() -> Self {
                Self { $($field: Default::default(),)* }
            }
        }
    )* };
}

pub(crate) use blank_settings;
