//! The configured paths of a layout as a tree of keys, built once and walked by every codec.
//!
//! A node is a dotted prefix of some configured path. From a node there is an edge for *every* longer
//! node below it, so that `a.b.c` is found as nested objects, as one flat key, and as any mixture.
//! Invariant: two spellings of one path end at the same node, so a field met twice is seen as such.

use std::collections::BTreeMap;

use crate::model::{FieldPath, Kind, Layout};

/// Number of a node of a [`PathTree`].
pub type NodeId = u16;

/// One dotted prefix.
#[derive(Debug, Clone)]
pub struct PathNode {
    /// Keys that lead to nodes below, sorted.
    edges: Vec<(Box<[u8]>, NodeId)>,
    /// A configured field ends here.
    pub wanted: bool,
    /// A vector metric ends here.
    pub vector: bool,
    /// The whole dotted path, for messages.
    pub path: String,
}

/// What is read, and where in a record it stands.
#[derive(Debug, Clone)]
pub struct PathTree {
    nodes: Vec<PathNode>,
    /// Event time.
    pub(crate) time: NodeId,
    /// Key fields; the first is the model.
    pub(crate) keys: Vec<NodeId>,
    /// Whether an event without a model is a reject.
    pub(crate) model_required: bool,
    /// The event's own id.
    pub(crate) id: Option<NodeId>,
    /// Metrics with their kinds.
    pub(crate) metrics: Vec<(NodeId, Kind)>,
}

impl PathTree {
    /// The record itself, above all others.
    pub const RECORD: NodeId = 0;

    /// Compiles a layout; `None` if it names more paths than a node number can hold.
    pub(crate) fn new(layout: &Layout) -> Option<Self> {
        let mut prefixes: BTreeMap<String, NodeId> = BTreeMap::new();
        let paths = std::iter::once(&layout.time.path)
            .chain(&layout.keys)
            .chain(&layout.id)
            .chain(layout.metrics.iter().map(|metric| &metric.path));
        for path in paths {
            let ends = path.0.match_indices('.').map(|(at, _)| at).chain([path.0.len()]);
            for end in ends {
                prefixes.insert(path.0[..end].to_owned(), 0);
            }
        }
        if prefixes.len() >= usize::from(NodeId::MAX) {
            return None;
        }
        let mut nodes = vec![PathNode::new(String::new())];
        for (number, (prefix, id)) in prefixes.iter_mut().enumerate() {
            *id = number as NodeId + 1;
            nodes.push(PathNode::new(prefix.clone()));
        }
        for (prefix, &id) in &prefixes {
            nodes[0].edges.push((prefix.as_bytes().into(), id));
            for (at, _) in prefix.match_indices('.') {
                if let Some(&above) = prefixes.get(&prefix[..at]) {
                    nodes[usize::from(above)].edges.push((prefix.as_bytes()[at + 1..].into(), id));
                }
            }
        }
        for node in &mut nodes {
            node.edges.sort();
        }
        let mut want = |path: &FieldPath, vector: bool| {
            let id = prefixes[&path.0];
            nodes[usize::from(id)].wanted = true;
            nodes[usize::from(id)].vector |= vector;
            id
        };
        let time = want(&layout.time.path, false);
        let keys = layout.keys.iter().map(|path| want(path, false)).collect();
        let id = layout.id.as_ref().map(|path| want(path, false));
        let metrics = layout
            .metrics
            .iter()
            .map(|metric| (want(&metric.path, metric.kind == Kind::Vector), metric.kind))
            .collect();
        let model_required = layout.model_default.is_none();
        Some(Self { nodes, time, keys, model_required, id, metrics })
    }

    /// The configured field that is called `key` in a record without nesting, if there is one. Dots in the
    /// key are those of a path.
    pub fn field(&self, key: &[u8]) -> Option<NodeId> {
        self.child(Self::RECORD, key).filter(|&node| self.node(node).wanted)
    }

    /// The node that `key` leads to from `from`, if anything configured lies there.
    pub fn child(&self, from: NodeId, key: &[u8]) -> Option<NodeId> {
        let edges = &self.node(from).edges;
        let found = edges.binary_search_by(|(name, _)| name.as_ref().cmp(key)).ok()?;
        edges.get(found).map(|&(_, id)| id)
    }

    /// The node of a number that this tree gave out.
    pub fn node(&self, id: NodeId) -> &PathNode {
        &self.nodes[usize::from(id)]
    }

    /// Number of nodes, the record itself included.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}

impl PathNode {
    fn new(path: String) -> Self {
        Self { edges: Vec::new(), wanted: false, vector: false, path }
    }

    /// Whether configured fields lie below.
    pub fn branches(&self) -> bool {
        !self.edges.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MetricField, TimeField, TimeFormat};

    #[test]
    fn every_spelling_of_a_path_ends_at_one_node() {
        let paths = PathTree::new(&Layout {
            model_default: None,
            time: TimeField { path: FieldPath("t".into()), format: TimeFormat::Auto },
            keys: vec![FieldPath("model".into())],
            id: None,
            metrics: ["a.b.c", "a.b", "a.b.c"]
                .map(|path| MetricField {
                    name: path.into(),
                    path: FieldPath(path.into()),
                    kind: Kind::Number,
                })
                .to_vec(),
        })
        .expect("few paths");
        let walk =
            |keys: &[&str]| keys.iter().try_fold(0, |node, key| paths.child(node, key.as_bytes()));
        let leaf = walk(&["a", "b", "c"]);
        assert!(leaf.is_some());
        for spelling in [&["a.b.c"][..], &["a.b", "c"], &["a", "b.c"]] {
            assert_eq!(walk(spelling), leaf, "{spelling:?}");
        }
        assert_eq!(paths.metrics[0].0, paths.metrics[2].0, "two metrics may share a path");
        assert!(paths.node(paths.metrics[1].0).wanted && paths.node(paths.metrics[1].0).branches());
        assert_eq!(walk(&["a", "c"]), None);
        assert!(!paths.node(walk(&["a"]).expect("a prefix")).wanted);
    }
}
