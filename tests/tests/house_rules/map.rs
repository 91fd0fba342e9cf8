//! The map of the house: which rooms there are, what each holds and which others it knows.
//!
//! One table serves three readers: the check of imports, the circles, and ARCHITECTURE.md, whose drawings
//! and tables are made of it (`just bless` writes them anew). A room knows only rooms that stand above its
//! own row, so the table itself can hold no circle; and it names just those that it really imports, so the
//! page is neither more nor less than what is so.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use super::graph::Graph;

/// A folder, or a file beside folders.
pub(crate) struct Room {
    pub(crate) name: &'static str,
    /// What it holds, or the question that it answers.
    pub(crate) holds: &'static str,
    /// Rooms of the same map that it imports.
    pub(crate) knows: &'static [&'static str],
}

/// The rooms under one folder, from the ground up.
pub(crate) struct Map {
    /// Its name in the marks of ARCHITECTURE.md.
    pub(crate) name: &'static str,
    /// The crate's sources.
    pub(crate) sources: &'static str,
    /// Path of the module whose children are the rooms; empty for the crate itself.
    pub(crate) within: &'static str,
    pub(crate) rooms: &'static [Room],
}

impl Map {
    /// The room of a module; none for what lies outside, and for the module that holds the rooms.
    pub(crate) fn room(&self, module: &str) -> Option<String> {
        let inner = match self.within {
            "" => module,
            within => module.strip_prefix(within)?.strip_prefix("::")?,
        };
        let name = inner.split("::").next().filter(|name| !name.is_empty())?;
        Some(name.to_owned())
    }

    /// What differs between the table and what is so.
    pub(crate) fn check(&self, graph: &Graph, violations: &mut Vec<Violation>) {
        let drawn = graph.grouped(|module| self.room(module));
        let mut above = BTreeSet::new();
        let mut add = |message: String| {
            violations.push(Violation::at("tests/tests/house_rules/rooms.rs", 0, message));
        };
        for room in self.rooms {
            let name = room.name;
            for known in room.knows.iter().filter(|known| !above.contains(*known)) {
                add(format!("{}: `{known}` must stand above `{name}`, which knows it", self.name));
            }
            above.insert(name);
            let Some(known) = drawn.get(name) else {
                add(format!("{}: there is no `{name}` any more: take out its row", self.name));
                continue;
            };
            let listed: BTreeSet<String> = room.knows.iter().map(|&k| k.to_owned()).collect();
            for unused in listed.difference(known) {
                add(format!("{}: `{name}` does not import `{unused}`: take it out", self.name));
            }
            for new in known.difference(&listed) {
                let place = graph.edges.iter().find(|edge| {
                    self.room(&edge.from).as_deref() == Some(name)
                        && self.room(&edge.to).as_ref() == Some(new)
                });
                let place =
                    place.map_or_else(String::new, |e| format!("{}:{} ", e.path, e.line + 1));
                let list =
                    if room.knows.is_empty() { "nothing".into() } else { room.knows.join(", ") };
                add(format!(
                    "{place}`{name}` imports `{new}`, but may know of {}: {list}; turn the arrow round",
                    self.name
                ));
            }
        }
        for missing in drawn.keys().filter(|name| !above.contains(name.as_str())) {
            add(format!("{}: `{missing}` has no row: say what it holds and knows", self.name));
        }
    }

    /// The floors as lines of text, the highest first: a room stands one above the highest that it knows.
    pub(crate) fn drawing(&self) -> String {
        let mut floors: BTreeMap<&str, usize> = BTreeMap::new();
        for room in self.rooms {
            let highest = room.knows.iter().filter_map(|known| floors.get(known)).max();
            floors.insert(room.name, highest.map_or(0, |floor| floor + 1));
        }
        let top = floors.values().copied().max().unwrap_or(0);
        let mut text = String::new();
        for floor in (0..=top).rev() {
            let on = self.rooms.iter().filter(|room| floors.get(room.name) == Some(&floor));
            let names: Vec<&str> = on.map(|room| room.name).collect();
            text += &format!("    {floor}  {}\n", names.join("   "));
        }
        text
    }

    /// The table for ARCHITECTURE.md.
    pub(crate) fn table(&self) -> String {
        let mut text = String::from("| room | what it holds | imports |\n| --- | --- | --- |\n");
        for room in self.rooms {
            let knows: Vec<String> = room.knows.iter().map(|name| format!("`{name}`")).collect();
            let knows = if knows.is_empty() { "nothing".to_owned() } else { knows.join(", ") };
            text += &format!("| `{}` | {} | {knows} |\n", room.name, room.holds);
        }
        text
    }

    /// A page with this map's part made anew; none where the page has no such part.
    pub(crate) fn written_into(&self, page: &str) -> Option<String> {
        let begin = format!("<!-- map of {} -->\n", self.name);
        let (before, rest) = page.split_once(&begin)?;
        let (_, after) = rest.split_once("<!-- end of map -->")?;
        let part = format!("\n{}\n{}\n", self.drawing(), self.table());
        Some(format!("{before}{begin}{part}<!-- end of map -->{after}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::*;

    const MAP: Map = Map {
        name: "a",
        sources: "a/src",
        within: "",
        rooms: &[
            Room { name: "ground", holds: "Soil.", knows: &[] },
            Room { name: "roof", holds: "Tiles.", knows: &["ground"] },
        ],
    };

    fn messages(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> =
            files.iter().map(|(path, text)| Source::new(&format!("a/src/{path}"), text)).collect();
        let mut violations = Vec::new();
        MAP.check(&Graph::of(&sources, "a/src"), &mut violations);
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_table_is_what_is_so() {
        let (ground, roof) = (("ground.rs", "fn f() {}"), ("roof/mod.rs", "use crate::ground::f;"));
        assert!(messages(&[ground, roof]).is_empty());
        let up = ("ground.rs", "use crate::roof::g;");
        assert!(messages(&[up, roof])[0].contains("a/src/ground.rs:1 `ground` imports `roof`"));
        assert!(messages(&[ground, ("roof/mod.rs", "fn f() {}")])[0].contains("take it out"));
        assert!(messages(&[ground])[0].contains("no `roof` any more"));
        assert!(messages(&[ground, roof, ("yard.rs", "fn f() {}")])[0].contains("has no row"));
    }

    #[test]
    fn a_page_gets_floors_and_table() {
        let page = "x\n<!-- map of a -->\nstale\n<!-- end of map -->\ny\n";
        let new = MAP.written_into(page).expect("it has the marks");
        assert!(new.contains("    1  roof\n    0  ground\n") && !new.contains("stale"));
        assert!(new.contains("| `roof` | Tiles. | `ground` |") && new.ends_with("\ny\n"));
        assert_eq!(MAP.written_into(&new).as_deref(), Some(new.as_str()));
        assert!(MAP.written_into("x").is_none());
    }
}
