//! Whole numbers as bytes, written: seven bits a byte, low ones first, the high bit says that another byte follows; a sign
//! is folded into the lowest bit (0, -1, 1, -2, ..). Records, certificates and the identity of a batch are written so.

/// How many numbers of a column are written together.
const BLOCK: usize = 16;
/// What fits into eight bytes of seven bits.
const SHORT_BITS: u32 = 56;
/// How many bytes of a column are gathered before they are appended.
const PIECE: usize = 512;
/// The most bytes that a block of short numbers takes.
const LONGEST_BLOCK: usize = 8 * BLOCK;

/// Appends a number.
pub fn uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a number with a sign.
pub fn int(out: &mut Vec<u8>, value: i128) {
    let mut folded = ((value << 1) ^ (value >> 127)) as u128;
    while folded > u128::from(u64::MAX) {
        out.push(folded as u8 | 0x80);
        folded >>= 7;
    }
    uint(out, folded as u64);
}

/// [`uint`] of each.
pub fn uints(out: &mut Vec<u8>, values: &[u32]) {
    uints_of(out, values, |value| *value);
}

/// [`uint`] of what `number` makes of each.
pub fn uints_of<T>(out: &mut Vec<u8>, values: &[T], number: impl Fn(&T) -> u32) {
    let mut piece = Piece::new(out);
    for block in values.chunks(BLOCK) {
        let mut numbers = [0; BLOCK];
        for (to, value) in numbers.iter_mut().zip(block) {
            *to = u64::from(number(value));
        }
        piece.block(&numbers, block.len());
    }
    piece.end();
}

/// [`int`] of each.
pub fn ints<T: Copy + Into<i128>>(out: &mut Vec<u8>, values: &[T]) {
    ints_of(out, values, |value| (*value).into());
}

/// [`int`] of what `number` makes of each.
pub fn ints_of<T>(out: &mut Vec<u8>, values: &[T], number: impl Fn(&T) -> i128) {
    let mut piece = Piece::new(out);
    for block in values.chunks(BLOCK) {
        let (mut numbers, mut long) = ([0; BLOCK], 0);
        for (to, value) in numbers.iter_mut().zip(block) {
            let value = number(value);
            let narrow = value as i64;
            *to = folded(narrow);
            long |= ((value >> 64) as i64 ^ (narrow >> 63)) as u64 | *to >> SHORT_BITS;
        }
        if long == 0 {
            piece.block(&numbers, block.len());
        } else {
            piece.flush();
            block.iter().for_each(|value| int(piece.out, number(value)));
        }
    }
    piece.end();
}

/// [`int`] of the difference of each to the one before it, of the first to zero.
pub fn steps(out: &mut Vec<u8>, values: &[u32]) {
    let Some(first) = values.first() else {
        return;
    };
    int(out, i128::from(*first));
    let mut piece = Piece::new(out);
    for (block, before) in values[1..].chunks(BLOCK).zip(values.chunks(BLOCK)) {
        let mut numbers = [0; BLOCK];
        for (to, (value, before)) in numbers.iter_mut().zip(block.iter().zip(before)) {
            *to = folded(i64::from(*value) - i64::from(*before));
        }
        piece.block(&numbers, block.len());
    }
    piece.end();
}

/// A number with its sign in the lowest bit.
fn folded(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// A number of at most 14 bits in two bytes; `more` is 1 when the second one counts.
fn two_bytes(number: u64, more: u16) -> u16 {
    (number as u16 & 0x7f) | (number as u16 & 0x3f80) << 1 | more << 7
}

/// Bytes of a column on their way: growing a vector for each byte costs more than the byte.
struct Piece<'a> {
    out: &'a mut Vec<u8>,
    bytes: [u8; PIECE],
    at: usize,
}

impl<'a> Piece<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            bytes: [0; PIECE],
            at: 0,
        }
    }

    fn flush(&mut self) {
        self.out.extend_from_slice(&self.bytes[..self.at]);
        self.at = 0;
    }

    fn end(mut self) {
        self.flush();
    }

    /// The first `count` of some numbers of at most [`SHORT_BITS`] bits; neighbours are mostly as long as each other.
    #[inline]
    fn block(&mut self, numbers: &[u64; BLOCK], count: usize) {
        if self.at > PIECE - LONGEST_BLOCK {
            self.flush();
        }
        let some_bits = numbers.iter().fold(0, |bits, number| bits | number);
        if some_bits < 1 << 7 {
            // What is written beyond the last one is overwritten.
            let bytes = numbers.map(|number| number as u8);
            self.bytes[self.at..self.at + BLOCK].copy_from_slice(&bytes);
            self.at += count;
        } else if some_bits < 1 << 14 && numbers[..count].iter().all(|number| *number >= 1 << 7) {
            let room = &mut self.bytes[self.at..self.at + 2 * BLOCK];
            for (two, number) in room.chunks_exact_mut(2).zip(numbers) {
                two.copy_from_slice(&two_bytes(*number, 1).to_le_bytes());
            }
            self.at += 2 * count;
        } else if some_bits < 1 << 14 && count == BLOCK {
            self.short(numbers);
        } else {
            self.mixed(&numbers[..count]);
        }
    }

    /// Numbers of at most 14 bits, four at a time without a branch: each is put behind the one before it in one word.
    fn short(&mut self, numbers: &[u64; BLOCK]) {
        let mut at = self.at;
        for four in numbers.as_chunks::<4>().0 {
            let (mut word, mut end) = (0, 0);
            for number in four {
                let more = u16::from(*number > 0x7f);
                word |= u64::from(two_bytes(*number, more)) << end;
                end += 8 + 8 * u32::from(more);
            }
            self.bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
            at += end as usize / 8;
        }
        self.at = at;
    }

    /// Numbers of at most [`SHORT_BITS`] bits, with one branch each.
    fn mixed(&mut self, numbers: &[u64]) {
        let mut at = self.at;
        for number in numbers {
            if *number < 1 << 14 {
                let more = u16::from(*number > 0x7f);
                self.bytes[at..at + 2].copy_from_slice(&two_bytes(*number, more).to_le_bytes());
                at += 1 + usize::from(more);
                continue;
            }
            // Groups of seven bits move apart: two of 28, four of 14, eight of 7.
            let x = (number & 0x0fff_ffff) | (number & 0x00ff_ffff_f000_0000) << 4;
            let x = (x & 0x0000_3fff_0000_3fff) | (x & 0x0fff_c000_0fff_c000) << 2;
            let x = (x & 0x007f_007f_007f_007f) | (x & 0x3f80_3f80_3f80_3f80) << 1;
            let more = (63 - (number | 1).leading_zeros()) / 7;
            let another = 0x8080_8080_8080_8080 & !(u64::MAX << (8 * more));
            self.bytes[at..at + 8].copy_from_slice(&(x | another).to_le_bytes());
            at += more as usize + 1;
        }
        self.at = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn columns_are_as_their_numbers(
            long in prop::collection::vec((any::<i128>(), 0u32..128), 0..300),
            short in prop::collection::vec((any::<u32>(), 0u32..32), 0..300),
            least in 0u32..200,
        ) {
            let long: Vec<i128> = long.into_iter().map(|(value, by)| value >> by).collect();
            let short: Vec<u32> = short.into_iter().map(|(value, by)| value >> by).collect();
            let mut near: Vec<u32> = short.iter().map(|value| least + (value & 0x1ff)).collect();
            near.sort_unstable();
            let (mut columns, mut single) = (Vec::new(), Vec::new());
            for numbers in [long.clone(), long.iter().map(|value| value % 100).collect()] {
                ints(&mut columns, &numbers);
                numbers.iter().for_each(|value| int(&mut single, *value));
            }
            for numbers in [&short, &near] {
                uints(&mut columns, numbers);
                steps(&mut columns, numbers);
                numbers.iter().for_each(|value| uint(&mut single, u64::from(*value)));
                let mut before = 0;
                for value in numbers {
                    int(&mut single, i128::from(*value) - i128::from(before));
                    before = *value;
                }
            }
            prop_assert_eq!(columns, single);
        }
    }
}
