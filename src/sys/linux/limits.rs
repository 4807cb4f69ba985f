//! The memory use of this process (`mallopt(3)`, `malloc_trim(3)`).

/// Makes freed large blocks return to the system, and limits the number of heaps for small ones,
/// for a process whose threads come and go. C libraries other than GNU's do so already.
pub fn limit_heaps() {
    #[cfg(target_env = "gnu")]
    {
        // Setting the threshold stops it from rising with freed sizes, which would keep blocks of
        // up to 32 MiB in the heaps.
        const LARGE: libc::c_int = 64 << 10;
        const HEAPS: libc::c_int = 2;
        // SAFETY: mallopt takes plain integers; a value that it refuses changes nothing.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
            libc::mallopt(libc::M_ARENA_MAX, HEAPS);
        }
    }
}

/// Returns freed memory to the system.
pub fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim takes an integer, and touches only what is free.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use crate::sys::raise_descriptor_limit;

    #[test]
    fn the_soft_limit_of_descriptors_is_raised_to_the_hard_one() {
        let limit = raise_descriptor_limit().unwrap();
        let told = std::fs::read_to_string("/proc/self/limits").unwrap();
        let line = told.lines().find(|line| line.starts_with("Max open files")).unwrap();
        let mut numbers = line.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
        assert_eq!((numbers.next(), numbers.next()), (Some(limit), Some(limit)), "{line}");
    }
}
