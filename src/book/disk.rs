//! The space that is left on a disk.

use std::io;
use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSpace {
    pub bytes: u64,
    /// None where the file system does not count them.
    pub files: Option<u64>,
}

/// On the disk that the path lies on.
pub fn free_space(path: &Path) -> io::Result<FreeSpace> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(FreeSpace {
        bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        files: (disk.f_files > 0).then_some(disk.f_favail),
    })
}
