//! The memory that this process occupies.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Room for `/proc/self/status`, which has 1,500 bytes.
const STATUS: usize = 8 << 10;

/// Tells the memory, from a file that is open before the file system becomes inaccessible.
#[derive(Debug)]
pub struct ProcessMemory(Option<File>);

impl ProcessMemory {
    /// Opens the file.
    pub fn open() -> Self {
        Self(File::open("/proc/self/status").ok())
    }

    /// Bytes in memory now (`VmRSS`, proc(5)); `None` if the kernel does not say.
    pub fn resident_bytes(&self) -> Option<u64> {
        let mut bytes = vec![0; STATUS];
        let length = self.0.as_ref()?.read_at(&mut bytes, 0).ok()?;
        let text = String::from_utf8_lossy(bytes.get(..length)?);
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes << 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_occupies_memory_and_more_once_it_fills_some() {
        let memory = ProcessMemory::open();
        // The other tests of this process take and return memory meanwhile: more than once, then.
        let mut pairs = (0..200).map(|_| {
            let before = memory.resident_bytes().unwrap();
            let filled = vec![7_u8; 32 << 20];
            let after = memory.resident_bytes().unwrap();
            assert!(before > 1 << 20 && filled.iter().all(|byte| *byte == 7), "{before}");
            (before, after)
        });
        let grown = 16 << 20..48 << 20;
        assert!(pairs.any(|(before, after)| grown.contains(&after.saturating_sub(before))));
        assert_eq!(ProcessMemory(None).resident_bytes(), None);
    }
}
