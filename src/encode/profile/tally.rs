//! Values of a column → counts and sketches, which join those of other row groups.
//!
//! - Source: HyperLogLog, frequent items and t-digest as in Apache DataSketches.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use datasketches::hll::{HllSketch, HllType, HllUnion};
use datasketches::tdigest::TDigestMut;
use foldhash::fast::RandomState;
use xxhash_rust::xxh3::xxh3_64;

use crate::report::profile::Value;
use crate::table::{Column, Form, Kinds, Texts, Values};

/// Logarithm of the registers of a sketch of distinct values: 4,096 of a byte, 1.6 % off.
const DISTINCT_LOG: u8 = 12;

/// Places of the map in which frequent values are counted; three quarters are used.
const FREQUENT_PLACES: usize = 1024;

/// What a digest keeps: about twice as many centres, so that quantiles are off by 1 % at most.
const DIGEST_SIZE: u16 = 200;

/// Values that are counted by themselves before sketches take them.
const COUNTED: usize = 1 << 16;

/// Bytes of a value that are kept; of a longer one a start, and a hash that stands for the rest.
const KEPT_BYTES: usize = 120;

/// Ends the start of a value that is not all there: no text holds this byte.
const CUT: u8 = 0xFF;

/// What was counted of a column.
#[derive(Debug)]
pub struct Tally {
    /// Values, or elements of lists, that are not null.
    pub count: u64,
    pub(super) distinct: HllUnion,
    pub(super) frequent: FrequentItemsSketch<Vec<u8>>,
    pub(super) least: Option<Vec<u8>>,
    pub(super) greatest: Option<Vec<u8>>,
    pub(super) lengths: Spread,
    pub(super) numbers: Option<Numbers>,
    pub(super) instants: Instants,
}

/// Lengths of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    pub count: u64,
    pub min: u64,
    pub max: u64,
    pub sum: u128,
    /// How often each length comes; long ones are taken together with those near them.
    counts: BTreeMap<u64, u64>,
}

/// Lengths that are counted by themselves; of longer ones as many bits count.
const LENGTHS: u64 = 256;

/// Numbers of a column, or dates and times as numbers.
#[derive(Debug)]
pub struct Numbers {
    pub count: u64,
    pub sum: f64,
    pub digest: TDigestMut,
    pub least: Extreme,
    pub greatest: Extreme,
}

/// Dates and times of a column.
#[derive(Debug, Default)]
pub enum Instants {
    /// None so far.
    #[default]
    None,
    /// All of one form, in days or microseconds.
    One(Form, Numbers),
    /// Of several forms, or beside text.
    Mixed,
}

/// The least or greatest of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Extreme {
    near: f64,
    /// Tells integers apart that one double stands for.
    whole: i128,
    pub value: Value,
}

impl Extreme {
    /// Returns it, or the double next to it.
    pub fn near(&self) -> f64 {
        self.near
    }

    fn cmp(&self, other: &Extreme) -> Ordering {
        self.near.total_cmp(&other.near).then(self.whole.cmp(&other.whole))
    }

    fn of_int(value: i64) -> Self {
        Extreme { near: value as f64, whole: value.into(), value: Value::Int(value) }
    }

    fn of_big(value: i128) -> Self {
        Extreme { near: value as f64, whole: value, value: Value::Text(value.to_string()) }
    }

    fn of_double(value: f64) -> Self {
        Extreme { near: value, whole: 0, value: Value::Number(value) }
    }
}

impl Numbers {
    fn new(first: Extreme) -> Self {
        let digest = TDigestMut::new(DIGEST_SIZE).expect("the size is one that digests have");
        let greatest = first.clone();
        Numbers { count: 0, sum: 0.0, digest, least: first, greatest }
    }

    /// Takes values that a caller has compared.
    fn of(near: impl Iterator<Item = f64>, least: Extreme, greatest: Extreme) -> Self {
        let mut numbers = Numbers { greatest, ..Numbers::new(least) };
        near.for_each(|value| {
            numbers.count += 1;
            numbers.sum += value;
            numbers.digest.update(value);
        });
        numbers
    }

    fn of_ints(values: &[i64]) -> Option<Self> {
        let (least, greatest) = (values.iter().min()?, values.iter().max()?);
        let near = values.iter().map(|&value| value as f64);
        let mut numbers = Numbers::of(near, Extreme::of_int(*least), Extreme::of_int(*greatest));
        numbers.sum = values.iter().map(|&value| i128::from(value)).sum::<i128>() as f64;
        Some(numbers)
    }

    fn of_bigs(values: &[i128]) -> Option<Self> {
        let (least, greatest) = (values.iter().min()?, values.iter().max()?);
        let near = values.iter().map(|&value| value as f64);
        Some(Numbers::of(near, Extreme::of_big(*least), Extreme::of_big(*greatest)))
    }

    fn of_doubles(values: &[f64]) -> Option<Self> {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let (least, greatest) =
            (finite().min_by(f64::total_cmp)?, finite().max_by(f64::total_cmp)?);
        Some(Numbers::of(finite(), Extreme::of_double(least), Extreme::of_double(greatest)))
    }

    /// Takes numbers that are kept as their text.
    fn of_texts(texts: &Texts) -> Option<Self> {
        let read = |index| {
            let text = std::str::from_utf8(texts.get(index)).ok()?;
            let near = text.parse::<f64>().ok().filter(|value| value.is_finite())?;
            Some(Extreme { near, whole: 0, value: Value::Text(text.to_owned()) })
        };
        let mut all = None;
        for number in (0..texts.len()).filter_map(read) {
            let near = number.near;
            let numbers = all.get_or_insert_with(|| Numbers::new(number.clone()));
            numbers.count += 1;
            numbers.sum += near;
            numbers.digest.update(near);
            numbers.reach(number);
        }
        all
    }

    fn reach(&mut self, number: Extreme) {
        match (number.cmp(&self.least), number.cmp(&self.greatest)) {
            (Ordering::Less, _) => self.least = number,
            (_, Ordering::Greater) => self.greatest = number,
            _ => {}
        }
    }

    fn join(&mut self, other: Numbers) {
        self.count += other.count;
        self.sum += other.sum;
        self.digest.merge(&other.digest);
        self.reach(other.least);
        self.reach(other.greatest);
    }
}

impl Default for Spread {
    fn default() -> Self {
        Spread { count: 0, min: u64::MAX, max: 0, sum: 0, counts: BTreeMap::new() }
    }
}

impl Spread {
    fn add(&mut self, length: u64, times: u64) {
        self.count += times;
        self.min = self.min.min(length);
        self.max = self.max.max(length);
        self.sum += u128::from(length) * u128::from(times);
        // 511 becomes 510, and 100,000 becomes 99,840
        let bits = (length / LENGTHS).checked_ilog2().map_or(0, |bits| bits + 1);
        *self.counts.entry(length >> bits << bits).or_default() += times;
    }

    /// Returns lengths, and how often they come.
    pub fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        self.counts.iter().map(|(length, count)| (*length, *count))
    }

    fn join(&mut self, other: Spread) {
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        for (length, count) in other.counts {
            *self.counts.entry(length).or_default() += count;
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        Tally {
            count: 0,
            distinct: HllUnion::new(DISTINCT_LOG).expect("the size is one that sketches have"),
            frequent: FrequentItemsSketch::new(FREQUENT_PLACES).expect("a power of two"),
            least: None,
            greatest: None,
            lengths: Spread::default(),
            numbers: None,
            instants: Instants::None,
        }
    }
}

impl Tally {
    /// Takes the values of one row group.
    pub fn add(&mut self, column: &Column) {
        match column.values() {
            Values::List(lists) => {
                for index in 0..lists.ends.len() {
                    self.lengths.add(lists.range(index).len() as u64, 1);
                }
                let mut inner = Tally::default();
                inner.add_scalars(&lists.elements);
                inner.lengths = Spread::default();
                self.join(inner);
            }
            _ => self.add_scalars(column),
        }
    }

    fn add_scalars(&mut self, column: &Column) {
        let values = column.values();
        const NUMBERS: u16 =
            Kinds::INT | Kinds::WIDE_INT | Kinds::BIG_INT | Kinds::HUGE_INT | Kinds::NUMBER_TEXT;
        const MARKED: u16 = NUMBERS | Kinds::MARKED | Kinds::LOOSE_FLOAT | Kinds::FLOAT;
        let (numbers, instants) = match values {
            Values::Int(values) => (Numbers::of_ints(values), Instants::None),
            Values::Rows(numbers) => {
                (Numbers::of_ints(&numbers.first(numbers.len())), Instants::None)
            }
            Values::Big(values) => (Numbers::of_bigs(values), Instants::None),
            Values::Float(floats) => (Numbers::of_doubles(&floats.values), Instants::None),
            Values::Text(texts) if column.kinds().only(NUMBERS) => {
                (Numbers::of_texts(texts), Instants::None)
            }
            Values::Text(_) if column.kinds().has(Kinds::MARKED) && column.kinds().only(MARKED) => {
                let plain = column.without_marks(false);
                let texts = plain.as_ref().map(Column::values);
                let numbers = texts.and_then(|values| match values {
                    Values::Text(texts) => Numbers::of_texts(texts),
                    _ => None,
                });
                (numbers, Instants::None)
            }
            Values::Instant(form, values) => {
                let instants = Numbers::of_ints(values).map(|all| Instants::One(*form, all));
                (None, instants.unwrap_or_default())
            }
            Values::Text(texts) if !texts.is_empty() => (None, Instants::Mixed),
            Values::None | Values::Bool(_) | Values::Text(_) | Values::List(_) => {
                (None, Instants::None)
            }
        };
        self.join_numbers(numbers, instants);
        match values {
            Values::Text(texts) => self.add_texts(texts),
            values => self.add_texts(&values.spelled()),
        }
    }

    fn add_texts(&mut self, texts: &Texts) {
        self.count += texts.len() as u64;
        // sketches take values in the order in which they came first, whatever the hashes
        let mut places: HashMap<&[u8], usize, RandomState> = HashMap::default();
        let mut counted: Vec<(&[u8], u64)> = Vec::new();
        for index in 0..texts.len() {
            let text = texts.get(index);
            let place = *places.entry(text).or_insert(counted.len());
            match counted.get_mut(place) {
                Some((_, count)) => *count += 1,
                None => counted.push((text, 1)),
            }
            if counted.len() == COUNTED {
                counted.drain(..).for_each(|(text, count)| self.note(text, count));
                places.clear();
            }
        }
        counted.into_iter().for_each(|(text, count)| self.note(text, count));
    }

    /// Takes a value that comes `count` times.
    fn note(&mut self, text: &[u8], count: u64) {
        self.distinct.update_value(text);
        let kept = kept(text);
        self.frequent.update_with_count_ref(&*kept, count);
        let chars = bytecount_of_chars(text);
        self.lengths.add(chars, count);
        if self.least.as_deref().is_none_or(|least| *kept < *least) {
            self.least = Some(kept.to_vec());
        }
        if self.greatest.as_deref().is_none_or(|greatest| *kept > *greatest) {
            self.greatest = Some(kept.into_owned());
        }
    }

    /// Takes what was counted of later rows.
    pub fn join(&mut self, other: Tally) {
        self.count += other.count;
        self.distinct.update(&sketch_of(&other.distinct));
        self.frequent.merge(&other.frequent);
        self.lengths.join(other.lengths);
        self.least = match (self.least.take(), other.least) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.greatest = match (self.greatest.take(), other.greatest) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        self.join_numbers(other.numbers, other.instants);
    }

    fn join_numbers(&mut self, numbers: Option<Numbers>, instants: Instants) {
        match (&mut self.numbers, numbers) {
            (_, None) => {}
            (Some(known), Some(more)) => known.join(more),
            (none, more) => *none = more,
        }
        self.instants = match (std::mem::take(&mut self.instants), instants) {
            (known, Instants::None) => known,
            (Instants::None, more) => more,
            (Instants::One(form, mut known), Instants::One(other, more)) if form == other => {
                known.join(more);
                Instants::One(form, known)
            }
            _ => Instants::Mixed,
        };
    }

    /// Returns whether every value that differs was counted by itself.
    pub fn is_exact(&self) -> bool {
        self.frequent.maximum_error() == 0
    }

    /// Returns the values that were counted, as far as they were kept, and how often they came at
    /// least; the most frequent first, then in the order of bytes.
    pub fn counted(&self) -> Vec<(Vec<u8>, u64)> {
        let rows = self.frequent.frequent_items(ErrorType::NoFalsePositives);
        let mut counted: Vec<_> =
            rows.into_iter().map(|row| (row.item().clone(), row.lower_bound())).collect();
        counted.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then(a.cmp(b)));
        counted
    }
}

fn sketch_of(union: &HllUnion) -> HllSketch {
    union.to_sketch(HllType::Hll8)
}

fn bytecount_of_chars(text: &[u8]) -> u64 {
    text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count() as u64
}

/// Returns as much of a value as is kept of it.
fn kept(text: &[u8]) -> Cow<'_, [u8]> {
    if text.len() <= KEPT_BYTES {
        return Cow::Borrowed(text);
    }
    let starts = |&at: &usize| text[at] & 0xC0 != 0x80;
    let end = (0..=KEPT_BYTES).rev().find(starts).unwrap_or(0);
    let mut kept = text[..end].to_vec();
    kept.push(CUT);
    kept.extend_from_slice(&xxh3_64(text).to_be_bytes());
    Cow::Owned(kept)
}

/// Returns a value that was kept as people see it.
pub fn shown(kept: &[u8]) -> String {
    match kept.iter().position(|&byte| byte == CUT) {
        Some(end) => format!("{}…", String::from_utf8_lossy(&kept[..end])),
        None => String::from_utf8_lossy(kept).into_owned(),
    }
}
