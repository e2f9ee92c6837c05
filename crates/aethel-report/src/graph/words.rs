//! What every form of a picture says in the same words.

use aethel_ir::money::{counted, group_digits};
use aethel_runtime::{Counts, Picture, PictureEdge, PictureNode, Together};

/// How long kinds and places may be to stand on one line of a label.
const ONE_LINE: usize = 26;

/// `monthly_payroll · 1 000 transactions on 1 level`
pub fn title(picture: &Picture) -> String {
    format!(
        "{} · {} on {}",
        picture.batch,
        counted(picture.transactions, "transaction", "transactions"),
        counted(picture.levels, "level", "levels")
    )
}

/// What is to be known about the picture: what was drawn together, what commutes and why, what was assumed.
pub fn notes(picture: &Picture) -> Vec<String> {
    let mut notes = Vec::new();
    let nodes = picture.nodes.len();
    let drawn = |what: &str| {
        format!(
            "{} are drawn as {}: {what}",
            counted(picture.transactions, "transaction", "transactions"),
            counted(nodes, "node", "nodes")
        )
    };
    match picture.together {
        Together::Nothing => {}
        Together::Level => notes.push(drawn(
            "a node stands for the transactions of one call on one level",
        )),
        Together::Call => notes.push(drawn(
            "a node stands for all transactions of one call, on all their levels",
        )),
        Together::Intent => notes.push(drawn(
            "a node stands for all transactions of one intent, on all their levels",
        )),
    }
    let (all, commuting) = (picture.conflicts.total(), picture.commuting.total());
    if all == 0 {
        notes.push("no two transactions conflict".to_owned());
    } else if commuting > 0 {
        let of = match commuting == all {
            true => "all conflicts need no order".to_owned(),
            false => format!(
                "{} of {} need no order",
                group_digits(&commuting.to_string()),
                counted(
                    usize::try_from(all).unwrap_or(usize::MAX),
                    "conflict",
                    "conflicts"
                )
            ),
        };
        notes.push(format!(
            "{of}: every order gives the same result, by escrow ({})",
            picture.lemmas.join(", ")
        ));
    }
    if picture.assumed > 0 {
        notes.push(format!(
            "{} not given and taken to be large enough",
            match picture.assumed {
                1 => "1 balance is".to_owned(),
                more => format!("{} balances are", group_digits(&more.to_string())),
            }
        ));
    }
    notes
}

/// What stands below a node's name, where it stands for more than one transaction.
pub fn size(node: &PictureNode) -> Option<String> {
    let levels = match (node.level, node.last_level) {
        (one, last) if one == last => String::new(),
        (first, last) => format!(
            ", levels {}–{}",
            group_digits(&first.to_string()),
            group_digits(&last.to_string())
        ),
    };
    (node.transactions > 1).then(|| {
        format!(
            "{}{levels}",
            counted(node.transactions, "transaction", "transactions")
        )
    })
}

/// `RAW WAW WAR`, or `999 RAW, 999 WAW`.
fn kinds(counts: Counts) -> String {
    let all = [("RAW", counts.raw), ("WAW", counts.waw), ("WAR", counts.war)];
    let found: Vec<_> = all.into_iter().filter(|(_, count)| *count > 0).collect();
    match found.iter().all(|(_, count)| *count == 1) {
        true => found.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" "),
        false => {
            let counted = found
                .iter()
                .map(|(name, count)| format!("{} {name}", group_digits(&count.to_string())));
            counted.collect::<Vec<_>>().join(", ")
        }
    }
}

/// Where the ends of an edge meet: `company, alice and 3 more`.
fn places(edge: &PictureEdge) -> String {
    let mut text = edge.places.join(", ");
    if edge.more_places > 0 {
        text += &format!(" and {} more", group_digits(&edge.more_places.to_string()));
    }
    text
}

/// The lines of an edge's label: what is between its ends, and where.
pub fn label(edge: &PictureEdge) -> Vec<String> {
    let mut lines = Vec::new();
    if edge.conflicts.total() > 0 {
        let (kinds, places) = (kinds(edge.conflicts), places(edge));
        match kinds.chars().count() + places.chars().count() {
            0..=ONE_LINE => lines.push(format!("{kinds} · {places}")),
            _ => lines.extend([kinds, places]),
        }
        let (all, commuting) = (edge.conflicts.total(), edge.commuting.total());
        if commuting == all {
            lines.push("any order (escrow)".to_owned());
        } else if commuting > 0 {
            let ordered = all - commuting;
            lines.push(format!(
                "{} in order, others by escrow",
                group_digits(&ordered.to_string())
            ));
        }
    }
    if edge.after {
        lines.push("after".to_owned());
    }
    lines
}

/// Why the ends of an edge are kept in order, in a sentence; empty when they are not.
pub fn why(edge: &PictureEdge) -> String {
    match (edge.ordered(), edge.reason) {
        (true, Some(reason)) => format!("kept in order, since {reason}"),
        _ => String::new(),
    }
}
