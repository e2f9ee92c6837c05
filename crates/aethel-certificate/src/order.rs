//! The batch order: again and again the earliest transaction in source whose `after` set is done.

use aethel_ir::{Batch, TransactionId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The items of a batch in batch order, or, when their `after` clauses go round in circles, the items that can never
/// begin.
///
/// Whole items can be taken: while the transactions of the earliest ready item are taken one by one, no other item
/// becomes ready, because only the end of an item makes others ready. An item without transactions keeps its place.
///
/// # Errors
/// The items of the cycles and everything after them, ascending.
pub fn item_order(batch: &Batch) -> Result<Vec<u32>, Vec<u32>> {
    let count = batch.items.len();
    let mut waiting = vec![0_usize; count];
    let mut first = vec![0_usize; count + 1];
    for item in &batch.items {
        for before in &item.after {
            if let Some(slot) = first.get_mut(*before as usize + 1) {
                *slot += 1;
            }
        }
    }
    for index in 0..count {
        first[index + 1] += first[index];
    }
    let mut next = first.clone();
    let mut followers = vec![0_u32; first[count]];
    for (index, item) in batch.items.iter().enumerate() {
        for before in item.after.iter().filter(|before| (**before as usize) < count) {
            let place = &mut next[*before as usize];
            followers[*place] = index as u32;
            *place += 1;
            waiting[index] += 1;
        }
    }
    let mut ready: BinaryHeap<Reverse<u32>> = (0..count as u32)
        .filter(|i| waiting[*i as usize] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(count);
    while let Some(Reverse(item)) = ready.pop() {
        order.push(item);
        for follower in &followers[first[item as usize]..first[item as usize + 1]] {
            let left = &mut waiting[*follower as usize];
            *left -= 1;
            if *left == 0 {
                ready.push(Reverse(*follower));
            }
        }
    }
    if order.len() < count {
        return Err((0..count as u32).filter(|i| waiting[*i as usize] > 0).collect());
    }
    Ok(order)
}

/// The transactions of a batch in batch order.
///
/// # Errors
/// As [`item_order`].
pub fn batch_order(batch: &Batch) -> Result<Vec<TransactionId>, Vec<u32>> {
    if batch.items.iter().all(|item| item.after.is_empty()) {
        return Ok((0..batch.len() as u32).map(TransactionId).collect());
    }
    let mut order = Vec::with_capacity(batch.len());
    for item in item_order(batch)? {
        let item = &batch.items[item as usize];
        order.extend((item.first..item.first.saturating_add(item.count)).map(TransactionId));
    }
    Ok(order)
}
