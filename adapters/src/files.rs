//! Secret files: 0600 in folders of 0700, replaced in one step and on disk when that is done.
//!
//! No vendor's module but the ground they share: whoever keeps a secret in a file keeps it through this one.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

/// Makes `folder`, and those above it that are missing, for this user alone. A folder that is there keeps its
/// permissions, except that others lose theirs when `tighten` says so.
///
/// # Errors
/// As the system says.
pub fn make_private_folder(folder: &Path, tighten: bool) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    #[cfg(unix)]
    if tighten {
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    }
    Ok(())
}

/// Writes `path` so that a reader sees the old file or the whole new one, also after a power cut.
///
/// # Errors
/// As the system says; the old file is as it was then.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
    let name = path.file_name().ok_or_else(invalid)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut draft_name = std::ffi::OsString::from(".");
    draft_name.push(name);
    draft_name.push(format!(".{}", std::process::id()));
    let draft = folder.join(draft_name);
    let written = write_draft(&draft, bytes).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // The error is the one worth telling; a draft that cannot be removed either is 0600.
        let _ = fs::remove_file(&draft);
    }
    written?;
    // Windows cannot open a folder as a file; there the rename itself is journalled.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Takes `path` away from everybody but its owner.
///
/// # Errors
/// As the system says.
pub fn make_private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// Refuses a secret file that others can read or write: they may have.
///
/// # Errors
/// Says which command mends it.
pub fn check_private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(path)?) & 0o777;
        if mode & 0o077 != 0 {
            let text = format!(
                "others can read it (mode {mode:o}); if nobody has, mend it with `chmod 600 {}`",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
    }
    Ok(())
}

fn write_draft(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    // Left by a process of the same id that was killed.
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_and_folders_are_private_and_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make_private_folder(&inner, false).unwrap();
        let file = inner.join("secret");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&file, b"new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&inner)), (0o600, 0o700));
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 1, "no draft is left");
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
        make_private_folder(&inner, true).unwrap();
        assert_eq!(mode(&inner), 0o700);
        check_private(&file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(check_private(&file).unwrap_err().to_string().contains("chmod 600"));
        make_private(&file).unwrap();
        check_private(&file).unwrap();
        assert!(write_private(&inner, b"a folder stands there").is_err());
        assert!(write_private(Path::new("/"), b"").is_err());
    }
}
