//! What the system knows of our process, under the names that every client of Prometheus gives it.

use super::page::Page;
use procfs::WithCurrentSystemInfo;
use procfs::process::{LimitValue, Process, Stat};
use rustix::time::{ClockId, clock_gettime};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// Reckoned once, or it would waver with the clock.
static START: OnceLock<f64> = OnceLock::new();

/// What cannot be learnt is not there: on another system than Linux, all of it.
pub fn process(page: &mut Page) {
    let Ok(process) = Process::myself() else { return };
    if let Ok(stat) = process.stat() {
        of_stat(page, &stat);
    }
    if let Ok(open) = process.fd_count() {
        page.gauge("process_open_fds", "Files, sockets among them, that are open.", open as f64);
    }
    if let Ok(LimitValue::Value(most)) = process.limits().map(|limits| limits.max_open_files.soft_limit) {
        page.gauge("process_max_fds", "How many may be open.", most as f64);
    }
}

fn of_stat(page: &mut Page, stat: &Stat) {
    let seconds = |ticks: u64| ticks as f64 / procfs::ticks_per_second() as f64;
    page.gauge("process_resident_memory_bytes", "Memory in use.", stat.rss_bytes().get() as f64);
    page.gauge("process_virtual_memory_bytes", "Memory that is addressed.", stat.vsize as f64);
    page.gauge("process_threads", "Threads.", stat.num_threads as f64);
    let mut spent = page.counters("process_cpu_seconds_total", "Time that processors have spent.");
    spent.add(&[], seconds(stat.utime + stat.stime));
    page.gauge(
        "process_start_time_seconds",
        "When the process started.",
        *START.get_or_init(|| {
            // Not from /proc/stat: of /proc, the sandbox of systemd's shows us our own part alone.
            let up = clock_gettime(ClockId::Boottime);
            let up = up.tv_sec as f64 + up.tv_nsec as f64 / 1e9;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            now - (up - seconds(stat.starttime))
        }),
    );
}
