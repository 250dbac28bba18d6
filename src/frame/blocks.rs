//! Sixty-four bytes looked at together: a bit for each byte that matters.

use wide::u8x16;

/// Bytes looked at together.
pub(crate) const BLOCK: usize = 64;

/// Returns a bit for each byte of `block` that is `byte`; the first byte is the lowest bit.
#[inline(always)]
pub(crate) fn equal(block: &[u8; BLOCK], byte: u8) -> u64 {
    any(block, |lane| lane.simd_eq(u8x16::splat(byte)))
}

/// Returns a bit for each byte of which `found` says so, asked for sixteen at a time.
#[inline(always)]
pub(super) fn any(block: &[u8; BLOCK], found: impl Fn(u8x16) -> u8x16) -> u64 {
    let (lanes, _) = block.as_chunks::<16>();
    let mask = |lane: usize| u64::from(found(u8x16::new(lanes[lane])).to_bitmask());
    mask(0) | mask(1) << 16 | mask(2) << 32 | mask(3) << 48
}

/// Returns for each bit whether an odd number of bits is set up to and with it.
#[inline]
pub(super) fn parity(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].into_iter().fold(bits, |bits, shift| bits ^ (bits << shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_bit() {
        for place in 0..BLOCK {
            let mut block = [b'x'; BLOCK];
            block[place] = 0xE9;
            assert_eq!(equal(&block, 0xE9), 1 << place);
            assert_eq!(equal(&block, b'x'), !(1 << place));
            assert_eq!(parity(1 << place), u64::MAX << place);
        }
        assert_eq!(parity(0b1001_0110), 0b0111_0010);
    }
}
