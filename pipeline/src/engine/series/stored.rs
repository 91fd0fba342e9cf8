//! How a finding that is on is kept in snapshots: as it is, or as versions before kept it.
//!
//! Those knew no state of a change: what they wrote goes on as a finding whose state begins with the next
//! tick.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::engine::series::before::Before;
use crate::engine::series::resolution::OpenFinding;

/// The numbers of the first two are those of an option: as it was.
#[derive(Serialize, Deserialize)]
enum Stored<T> {
    Nothing,
    Before(Before),
    On(T),
}

pub(crate) fn serialize<S: Serializer>(
    open: &Option<Box<OpenFinding>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match open {
        None => Stored::<&OpenFinding>::Nothing,
        Some(open) => Stored::On(open.as_ref()),
    }
    .serialize(to)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Box<OpenFinding>>, D::Error> {
    Ok(match Stored::<Box<OpenFinding>>::deserialize(from)? {
        Stored::Nothing => None,
        Stored::Before(before) => Some(Box::new(OpenFinding::resumed(before))),
        Stored::On(open) => Some(open),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::series::finding_ref::FindingRef;

    #[derive(Deserialize)]
    struct Now(#[serde(with = "super")] Option<Box<OpenFinding>>);

    /// The field as it was, between others that have to stay in their places.
    #[test]
    fn what_a_version_before_wrote_goes_on() {
        let finding = FindingRef::only("f");
        let before = Before {
            finding: finding.clone(),
            since_us: 7,
            leader: 1,
            category: None,
            since: vec![1, 2],
            lane: None,
            against: 1.5,
            weakest: 2,
            over: 0.5,
        };
        let bytes = postcard::to_stdvec(&(Some(before), 5u8)).expect("bytes");
        let (Now(open), rest): (Now, u8) = postcard::from_bytes(&bytes).expect("a finding");
        let open = open.expect("it is on");
        assert_eq!((open.finding, open.since_us, rest), (finding, 7, 5));
        let bytes = postcard::to_stdvec(&(None::<Before>, 5u8)).expect("bytes");
        let (Now(open), rest): (Now, u8) = postcard::from_bytes(&bytes).expect("none");
        assert_eq!((open.is_none(), rest), (true, 5));
    }
}
