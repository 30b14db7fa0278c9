//! The order in which migrations apply: Prisma's since 6.6, which is that of JavaScript's
//! `localeCompare`.
//!
//! The Unicode root collation, for ASCII: punctuation, then digits, then letters whatever their
//! case, lower case first among equals (measured with Prisma 7.10). For `YYYYMMDDHHMMSS_name` it is
//! the order of the bytes. Characters outside ASCII come after it, by their code points.

use std::cmp::Ordering;

/// The punctuation of ASCII in the order of the root collation.
const PUNCTUATION: &[u8] = b" _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

/// The weight of each character of ASCII: a history of thousands is sorted, and searched, by them.
const WEIGHTS: [u8; 128] = weights();

const fn weights() -> [u8; 128] {
    let mut weights = [0; 128];
    let mut byte = 0_u8;
    while byte < 128 {
        weights[byte as usize] = match byte {
            b'0'..=b'9' => 64 + byte,
            b'a'..=b'z' => 64 + byte,
            b'A'..=b'Z' => 64 + byte.to_ascii_lowercase(),
            0x7f => 33,
            _ => byte,
        };
        byte += 1;
    }
    let mut place = 0_u8;
    while (place as usize) < PUNCTUATION.len() {
        weights[PUNCTUATION[place as usize] as usize] = 64 + place;
        place += 1;
    }
    weights
}

/// Compares two names of migrations.
pub fn compare(a: &str, b: &str) -> Ordering {
    let primary = a.chars().map(weight).cmp(b.chars().map(weight));
    // Lower case before upper case, at the first place where they differ.
    let case = || a.chars().map(char::is_uppercase).cmp(b.chars().map(char::is_uppercase));
    primary.then_with(case).then_with(|| a.cmp(b))
}

fn weight(character: char) -> u32 {
    let code = u32::from(character);
    let ascii = usize::try_from(code).ok().and_then(|place| WEIGHTS.get(place));
    ascii.map_or(code + 256, |weight| u32::from(*weight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_come_in_prismas_order() {
        let mut names =
            ["Z_up", "a_low", "20260101000000_e", "20260101_d", "2_c", "10_b", "1_a", "A_low"];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(
            names,
            ["1_a", "10_b", "2_c", "20260101_d", "20260101000000_e", "a_low", "A_low", "Z_up"]
        );
    }

    proptest! {
        #[test]
        fn stamped_names_keep_the_order_of_their_bytes(a in "20[0-9]{12}_[a-z]{0,8}", b in "20[0-9]{12}_[a-z]{0,8}") {
            prop_assert_eq!(compare(&a, &b), a.cmp(&b));
        }

        #[test]
        fn it_is_an_order(a in ".{0,6}", b in ".{0,6}", c in ".{0,6}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &b) == Ordering::Equal, a == b);
            if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
                prop_assert!(compare(&a, &c).is_le());
            }
        }
    }
}
