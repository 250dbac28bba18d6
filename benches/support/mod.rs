//! Inputs for the benches, the same in every run.

#![allow(dead_code, reason = "no bench takes all of it")]

use std::fmt::Write;

/// Makes nested orders as JSONL: an address, tags, items with discounts.
pub fn orders(count: usize) -> Vec<u8> {
    let mut random = Random(11);
    let mut out = String::new();
    for id in 1..=count {
        let (day, customer, zip) =
            (random.below(28) + 1, random.below(200_000), random.below(99_999));
        let _ = write!(
            out,
            r#"{{"order_id":{id},"placed_at":"2026-01-{day:02}T10:20:30Z","customer":{{"id":{customer},"#
        );
        let _ = write!(out, r#""name":"ann bob","address":{{"city":"Oslo","zip":"{zip:05}"}}}},"#);
        out.push_str(r#""tags":["gift","vip"],"items":["#);
        for item in 0..=random.below(4) {
            let (sku, price) = (random.below(999_999), random.below(50_000));
            out.push_str(if item > 0 { "," } else { "" });
            let _ = write!(
                out,
                r#"{{"sku":"SKU-{sku:06}","price":{}.{:02},"discounts":[{{"code":"D{day}"}}]}}"#,
                price / 100,
                price % 100
            );
        }
        let note = if random.below(10) < 7 { "null" } else { r#""call \"before\"""# };
        let _ = writeln!(out, r#"],"paid":{},"note":{note}}}"#, random.below(2) == 0);
    }
    out.into_bytes()
}

/// A small generator; its numbers only have to be scattered and the same everywhere.
pub struct Random(pub u64);

impl Random {
    /// Returns the next number, below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
