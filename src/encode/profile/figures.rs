//! What was counted of a column → what is said of it.

use super::tally::{Extreme, Instants, Numbers, Spread, Tally, shown};
use crate::report::profile::{Bar, Figures, Frequent, Lengths, QUANTILES, Value};
use crate::schema::widen::ColumnType;
use crate::table::Form;

/// Values of [`Figures::top`].
const TOP: usize = 10;

/// Stretches of a histogram.
const BARS: usize = 20;

/// Returns the figures of a column, in the words of its type.
pub(super) fn of(tally: Tally, column_type: &ColumnType) -> Figures {
    let is_exact = tally.is_exact();
    let counted = tally.counted();
    let distinct = match is_exact {
        true => counted.len() as u64,
        false => (tally.distinct.estimate().round() as u64).min(tally.count),
    };
    let frequent =
        |(value, count): &(Vec<u8>, u64)| Frequent { value: shown(value), count: *count };
    let mut figures = Figures {
        count: tally.count,
        distinct,
        is_exact,
        top: counted.iter().take(TOP).map(frequent).collect(),
        ..Figures::default()
    };
    let (scalar, is_list) = match column_type {
        ColumnType::List(element) => (&**element, true),
        scalar => (scalar, false),
    };
    let (lengths, spread) = (lengths(&tally.lengths), length_histogram(&tally.lengths));
    match (scalar, tally.numbers, tally.instants) {
        (ColumnType::Int64 | ColumnType::Double | ColumnType::Decimal { .. }, Some(numbers), _) => {
            let mean = numbers.sum / numbers.count as f64;
            figures.mean = Some(mean).filter(|mean| mean.is_finite());
            let scale = match scalar {
                ColumnType::Int64 => Scale::Integers,
                _ => Scale::Numbers,
            };
            let read = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
            figures.spread(numbers, &scale, is_exact.then_some(&counted), read);
        }
        (ColumnType::Date | ColumnType::Timestamp { .. }, _, Instants::One(form, numbers)) => {
            let read = |text: &[u8]| form.read(text).map(|value| value as f64);
            figures.spread(numbers, &Scale::Instants(form), is_exact.then_some(&counted), read);
        }
        _ => {
            figures.min = tally.least.map(|least| Value::Text(shown(&least)));
            figures.max = tally.greatest.map(|greatest| Value::Text(shown(&greatest)));
            let is_text = matches!(scalar, ColumnType::Text | ColumnType::Json);
            if is_text {
                figures.lengths = lengths;
                figures.length_histogram.clone_from(&spread);
            }
        }
    }
    if is_list {
        figures.lengths = lengths;
        figures.length_histogram = spread;
    }
    figures
}

fn lengths(spread: &Spread) -> Option<Lengths> {
    let Spread { count, min, max, sum, .. } = *spread;
    (count > 0).then(|| Lengths { min, max, mean: sum as f64 / count as f64 })
}

fn length_histogram(spread: &Spread) -> Vec<Bar> {
    let counted: Vec<_> = spread.counts().map(|(length, count)| (length as f64, count)).collect();
    match spread.count {
        0 => Vec::new(),
        all => {
            let range = (spread.min as f64, spread.max as f64);
            histogram(range, all, &Scale::Integers, |edges| counted_below(&counted, edges))
        }
    }
}

/// What the numbers of a digest stand for.
enum Scale {
    /// Integers.
    Integers,
    /// Any numbers.
    Numbers,
    /// Days or microseconds, printed in this form.
    Instants(Form),
}

impl Scale {
    fn value(&self, number: f64) -> Value {
        match self {
            Scale::Integers => Value::Int(number.round() as i64),
            Scale::Numbers => Value::Number(number),
            Scale::Instants(form) => Value::Text(form.print(number.round() as i64)),
        }
    }

    fn extreme(&self, extreme: &Extreme) -> Value {
        match (self, &extreme.value) {
            (Scale::Instants(form), Value::Int(value)) => Value::Text(form.print(*value)),
            (_, value) => value.clone(),
        }
    }

    fn is_whole(&self) -> bool {
        !matches!(self, Scale::Numbers)
    }
}

impl Figures {
    /// Says how numbers are spread; those of `counted` are all there are, where it is given.
    fn spread(
        &mut self,
        mut numbers: Numbers,
        scale: &Scale,
        counted: Option<&Vec<(Vec<u8>, u64)>>,
        read: impl Fn(&[u8]) -> Option<f64>,
    ) {
        self.min = Some(scale.extreme(&numbers.least));
        self.max = Some(scale.extreme(&numbers.greatest));
        let counted: Option<Vec<(f64, u64)>> = counted.and_then(|counted| {
            let mut read: Vec<_> = counted
                .iter()
                .map(|(text, count)| Some((read(text).filter(|near| near.is_finite())?, *count)))
                .collect::<Option<_>>()?;
            read.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            Some(read)
        });
        let points = match &counted {
            Some(counted) => Some(QUANTILES.map(|share| exact_quantile(counted, share))),
            None => numbers
                .digest
                .quantiles(&QUANTILES)
                .ok()
                .flatten()
                .and_then(|all| all.try_into().ok()),
        };
        self.quantiles = points.map(|points: [f64; 5]| points.map(|point| scale.value(point)));
        let range = (numbers.least.near(), numbers.greatest.near());
        let all = numbers.count;
        self.histogram = histogram(range, all, scale, |edges| match &counted {
            Some(counted) => counted_below(counted, edges),
            None if edges.is_empty() => Vec::new(),
            None => {
                let shares = numbers.digest.cdf(edges).ok().flatten().unwrap_or_default();
                shares.iter().map(|share| (share * all as f64).round() as u64).collect()
            }
        });
    }
}

/// Returns the value below which a share of all lies.
fn exact_quantile(counted: &[(f64, u64)], share: f64) -> f64 {
    let all: u64 = counted.iter().map(|(_, count)| count).sum();
    let wanted = (share * all as f64).ceil().max(1.0) as u64;
    let mut below = 0;
    for (value, count) in counted {
        below += count;
        if below >= wanted {
            return *value;
        }
    }
    counted.last().map_or(0.0, |(value, _)| *value)
}

/// Counts the values between `from` and `to` in stretches of one length; `below` tells how many of
/// `all` lie below each of some edges.
fn histogram(
    (from, to): (f64, f64),
    all: u64,
    scale: &Scale,
    below: impl FnOnce(&[f64]) -> Vec<u64>,
) -> Vec<Bar> {
    let width = to - from;
    if !width.is_finite() {
        return Vec::new();
    }
    // few integers have a bar each, which ends before the next
    let is_counted = scale.is_whole() && width < BARS as f64;
    let bars = match is_counted {
        _ if width == 0.0 => 1,
        true => width as usize + 1,
        false => BARS,
    };
    let step = if is_counted { 1.0 } else { width / bars as f64 };
    let edges: Vec<f64> = (1..bars).map(|bar| from + step * bar as f64).collect();
    let ends = below(&edges);
    let mut before = 0;
    (0..bars)
        .map(|bar| {
            let end = ends.get(bar).copied().filter(|_| bar + 1 < bars).unwrap_or(all).max(before);
            let start = from + step * bar as f64;
            let stop = match bar + 1 == bars {
                true => to,
                false if is_counted => start,
                false => edges[bar],
            };
            let count = end - before;
            before = end;
            Bar { from: scale.value(start), to: scale.value(stop), count }
        })
        .collect()
}

/// Returns how many of the values that were counted one by one lie below each edge.
fn counted_below(counted: &[(f64, u64)], edges: &[f64]) -> Vec<u64> {
    let below = |edge: &f64| {
        let below = counted.iter().take_while(|(value, _)| value < edge);
        below.map(|(_, count)| *count).sum()
    };
    edges.iter().map(below).collect()
}
