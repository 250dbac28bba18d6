//! Which kinds of values a column was given.

use super::form::Form;
use super::marks::Marks;
use super::tally::Kind;

/// The kinds of all values a column was given, with what decides between types of one kind.
///
/// Joining is a union, so the result does not depend on the order of values or batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds {
    bits: u16,
    /// Digits after the point that numbers kept as text need.
    pub scale: u8,
    /// Digits before the point that numbers kept as text need.
    pub whole_digits: u8,
    /// Whether the strings share one form of date or time.
    pub form: StringForm,
    /// The marks of numbers that have some.
    pub marks: Marks,
}

/// Whether all strings of a column share one form of date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StringForm {
    /// No string yet.
    #[default]
    Unseen,
    /// All of them.
    One(Form),
    /// They do not, or one is just text.
    Mixed,
}

impl Kinds {
    /// `true` or `false`.
    pub const BOOL: u16 = 1;
    /// An integer that fits 64 bits.
    pub const INT: u16 = 1 << 1;
    /// An integer that a double may not hold: beyond 2^53.
    pub const WIDE_INT: u16 = 1 << 2;
    /// An integer beyond 64 bits, within 38 digits.
    pub const BIG_INT: u16 = 1 << 3;
    /// An integer of more than 38 digits.
    pub const HUGE_INT: u16 = 1 << 4;
    /// A number with a fraction or an exponent, that a double can hold.
    pub const FLOAT: u16 = 1 << 5;
    /// Such a number with more digits than a double gives back.
    pub const LONG_FLOAT: u16 = 1 << 6;
    /// A number beyond the range of doubles.
    pub const FAR_FLOAT: u16 = 1 << 7;
    /// A number with a fraction or an exponent, kept as its source text.
    pub const NUMBER_TEXT: u16 = 1 << 8;
    /// A string.
    pub const STRING: u16 = 1 << 9;
    /// An array with at least one element that is not null.
    pub const LIST: u16 = 1 << 10;
    /// An array without elements.
    pub const EMPTY_LIST: u16 = 1 << 11;
    /// An integer of 64 bits with marks, kept as its source text.
    pub const MARKED_INT: u16 = 1 << 12;
    /// A number with a fraction and marks, kept as its source text.
    pub const MARKED_FLOAT: u16 = 1 << 13;
    /// A number that does not print back, which is one beside numbers with marks only.
    pub const LOOSE_FLOAT: u16 = 1 << 14;
    /// Numbers that are kept as their source text where others have marks.
    pub const MARKED: u16 = Self::MARKED_INT | Self::MARKED_FLOAT;

    /// Adds a kind.
    #[inline]
    pub fn add(&mut self, bit: u16) {
        self.bits |= bit;
    }

    /// Returns whether any of `bits` was seen.
    #[inline]
    pub fn has(&self, bits: u16) -> bool {
        self.bits & bits != 0
    }

    /// Returns whether nothing outside `bits` was seen.
    pub fn only(&self, bits: u16) -> bool {
        self.bits & !bits == 0
    }

    /// Returns whether no value was seen.
    pub fn is_empty(&self) -> bool {
        self.bits == 0
    }

    /// Adds a string of a form, if it has one.
    #[inline]
    pub fn add_string(&mut self, form: Option<Form>) {
        self.bits |= Self::STRING;
        self.form = match (self.form, form) {
            (StringForm::Unseen, Some(form)) => StringForm::One(form),
            (StringForm::One(known), Some(form)) if known == form => return,
            _ => StringForm::Mixed,
        };
    }

    /// Adds a string whose form is not to be looked at.
    #[inline]
    pub fn add_plain_string(&mut self) {
        self.bits |= Self::STRING;
        self.form = StringForm::Mixed;
    }

    /// Takes strings as text from now on, without a look at their form.
    #[inline]
    pub fn ignore_forms(&mut self) {
        self.form = StringForm::Mixed;
    }

    /// Returns whether a further string changes nothing, whatever it is.
    #[inline]
    pub fn knows_strings(&self) -> bool {
        self.has(Self::STRING) && self.form == StringForm::Mixed
    }

    /// Returns the kinds as people call them.
    pub fn names(&self) -> Vec<(Kind, &'static str)> {
        const WHOLE: u16 =
            Kinds::INT | Kinds::WIDE_INT | Kinds::BIG_INT | Kinds::HUGE_INT | Kinds::MARKED_INT;
        const BROKEN: u16 = Kinds::FLOAT
            | Kinds::LONG_FLOAT
            | Kinds::FAR_FLOAT
            | Kinds::NUMBER_TEXT
            | Kinds::MARKED_FLOAT
            | Kinds::LOOSE_FLOAT;
        let string = match self.form {
            StringForm::One(Form::Date) => "date",
            StringForm::One(Form::Timestamp { .. }) => "timestamp",
            StringForm::Unseen | StringForm::Mixed => "string",
        };
        let known = [
            (Self::BOOL, Kind::Bool, "bool"),
            (WHOLE, Kind::Integer, "integer"),
            (BROKEN, Kind::Number, "number"),
            (Self::STRING, Kind::String, string),
        ];
        let seen = known.into_iter().filter(|(bits, ..)| self.has(*bits));
        seen.map(|(_, kind, name)| (kind, name)).collect()
    }

    /// Joins what two columns were given.
    pub fn join(&mut self, other: &Kinds) {
        self.bits |= other.bits;
        if self.marks.are_none() {
            self.marks = other.marks;
        }
        self.scale = self.scale.max(other.scale);
        self.whole_digits = self.whole_digits.max(other.whole_digits);
        self.form = match (self.form, other.form) {
            (StringForm::Unseen, form) | (form, StringForm::Unseen) => form,
            (a, b) if a == b => a,
            _ => StringForm::Mixed,
        };
    }
}
