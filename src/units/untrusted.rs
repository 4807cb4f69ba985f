//! Numbers received from outside, with arithmetic that cannot overflow.

use std::fmt;
use std::num::ParseIntError;
use std::ops::{Add, AddAssign, Mul, Sub, SubAssign};
use std::str::FromStr;

/// Upper bound for a credible datagram count: no run sends more, and sums of thousands of counts
/// below it fit 64 bits.
pub const MOST_COUNT: u64 = 1 << 48;

/// An untrusted number: a count, an instant or a span from a received datagram.
///
/// It may have any value, so its sums, differences and products saturate. Get the plain number by
/// checking it against a bound ([`Untrusted::within`]), or explicitly without a check
/// ([`Untrusted::any`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Untrusted<T>(T);

impl<T: Copy> Untrusted<T> {
    /// Wraps a received number.
    pub const fn new(said: T) -> Self {
        Self(said)
    }

    /// The number unchecked, for code that handles any value.
    pub const fn any(self) -> T {
        self.0
    }
}

impl<T: Copy + PartialOrd> Untrusted<T> {
    /// The number if it is at most `most`; `None` otherwise.
    pub fn within(self, most: T) -> Option<T> {
        (self.0 <= most).then_some(self.0)
    }
}

impl Untrusted<i64> {
    /// The difference from another, without overflow.
    pub fn less(self, other: Self) -> i128 {
        i128::from(self.0) - i128::from(other.0)
    }
}

macro_rules! saturating {
    ($($number:ty),*) => {$(
        impl Add for Untrusted<$number> {
            type Output = Self;
            #[inline]
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl Sub for Untrusted<$number> {
            type Output = Self;
            #[inline]
            fn sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }

        impl Mul for Untrusted<$number> {
            type Output = Self;
            #[inline]
            fn mul(self, other: Self) -> Self {
                Self(self.0.saturating_mul(other.0))
            }
        }

        impl AddAssign for Untrusted<$number> {
            #[inline]
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl SubAssign for Untrusted<$number> {
            #[inline]
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }
    )*};
}

saturating!(u32, u64, i64);

impl<T: FromStr<Err = ParseIntError>> FromStr for Untrusted<T> {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl<T: fmt::Display> fmt::Display for Untrusted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stays_at_the_edges_and_a_number_comes_out_of_a_check() {
        let (most, one) = (Untrusted::new(u64::MAX), Untrusted::new(1));
        assert_eq!((most + one, most * most, one - most), (most, most, Untrusted::new(0)));
        let (low, high) = (Untrusted::new(i64::MIN), Untrusted::new(i64::MAX));
        assert_eq!((low - high, high - low, low * high), (low, high, low));
        assert_eq!(high.less(low), i128::from(u64::MAX));
        assert_eq!((most.within(9), one.within(9)), (None, Some(1)));
        assert_eq!("18446744073709551615".parse(), Ok(most));
        assert!("18446744073709551616".parse::<Untrusted<u64>>().is_err());
    }
}
