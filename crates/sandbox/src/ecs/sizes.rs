//! Owns the sizes a Fargate task can have. Pure.

/// The cpu units in `text`: `256`, `.25 vCPU` or `1 vCPU`.
pub(crate) fn cpu_units(text: &str) -> Option<u32> {
    units(text, "vcpu")
}

/// The MiB in `text`: `512`, `0.5 GB` or `1GB`.
pub(crate) fn memory_mib(text: &str) -> Option<u32> {
    units(text, "gb")
}

/// A plain number, or 1,024 times the number before `suffix`; the wire always carries the plain number.
fn units(text: &str, suffix: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    match text.strip_suffix(suffix) {
        None => text.parse().ok(),
        Some(number) => {
            let thousandths = thousandths(number.trim())?;
            Some(thousandths * 1_024 / 1_000)
        }
    }
}

/// A decimal number times 1,000.
fn thousandths(number: &str) -> Option<u32> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 3 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction: u32 = format!("{fraction:0<3}").parse().ok()?;
    whole.checked_mul(1_000)?.checked_add(fraction)
}

/// Whether Fargate has a size of so many cpu units and MiB (aws-facts 1.10).
pub(crate) fn fargate_has(cpu: u32, memory: u32) -> bool {
    const GIB: u32 = 1_024;
    let (from, to, step) = match cpu {
        256 => return [512, GIB, 2 * GIB].contains(&memory),
        512 => (1, 4, 1),
        1_024 => (2, 8, 1),
        2_048 => (4, 16, 1),
        4_096 => (8, 30, 1),
        8_192 => (16, 60, 4),
        16_384 => (32, 120, 8),
        _ => return false,
    };
    memory.is_multiple_of(GIB)
        && (from..=to).contains(&(memory / GIB))
        && (memory / GIB - from).is_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read() {
        for (text, units) in [
            ("256", Some(256)),
            (".25 vCPU", Some(256)),
            ("0.5 vcpu", Some(512)),
            ("1 vCPU", Some(1_024)),
            ("4vCPU", Some(4_096)),
            ("much", None),
            (". vCPU", None),
        ] {
            assert_eq!(cpu_units(text), units, "{text}");
        }
        for (text, mib) in [("512", Some(512)), ("0.5GB", Some(512)), ("30 GB", Some(30_720))] {
            assert_eq!(memory_mib(text), mib, "{text}");
        }
    }

    #[test]
    fn fargate_has_these_sizes_and_no_others() {
        for (cpu, memory) in [
            (256, 512),
            (256, 2_048),
            (512, 4_096),
            (1_024, 8_192),
            (2_048, 4_096),
            (4_096, 30_720),
            (8_192, 20_480),
            (16_384, 122_880),
        ] {
            assert!(fargate_has(cpu, memory), "{cpu} {memory}");
        }
        for (cpu, memory) in [
            (256, 4_096),
            (256, 768),
            (512, 512),
            (1_024, 2_500),
            (8_192, 17_408),
            (16_384, 36_864),
            (100, 512),
        ] {
            assert!(!fargate_has(cpu, memory), "{cpu} {memory}");
        }
    }
}
