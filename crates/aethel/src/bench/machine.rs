//! What the system says about the machine and about this process.

use aethel_report::bench::model::Machine;
use std::fs;

/// The machine.
pub fn machine() -> Machine {
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    Machine {
        cores: cores(),
        cpu,
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        optimised: !cfg!(debug_assertions),
    }
}

/// Threads that can run at once.
pub fn cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(cores).unwrap_or(1)
}

/// Watches the memory of this process.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    before: u64,
}

impl Memory {
    /// Begins to watch; `None` where the system does not let a process forget its peak.
    pub fn watch() -> Option<Memory> {
        fs::write("/proc/self/clear_refs", "5").ok()?;
        Some(Memory {
            before: status("VmRSS:")?,
        })
    }

    /// The peak since then and how far above the beginning it was, in bytes.
    pub fn peak(self) -> Option<(u64, u64)> {
        let peak = status("VmHWM:")?;
        Some((peak, peak.saturating_sub(self.before)))
    }
}

fn status(key: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}
