//! Memory that this process holds, as the system counts it. None where the system does not tell.

/// Resident bytes, from `/proc/self/status`: in kibibytes there, whatever the size of a page is.
pub fn bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_holds_memory() {
        let before = super::bytes().expect("Linux tells it");
        assert!(before > 1 << 20, "{before}");
        let held = std::hint::black_box(vec![1u8; 64 << 20]);
        let after = super::bytes().expect("Linux tells it");
        assert!(after > before + (32 << 20), "{before} {after}");
        drop(held);
    }
}
