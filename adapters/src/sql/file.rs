//! The file behind an SQLite database: made before SQLite makes it, so that nobody else ever reads it.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

use super::OpenError;

/// Makes the file if there is none, and takes it from everybody but its owner. SQLite gives the log beside it the same
/// rights.
pub(super) fn prepare(path: &Path) -> Result<(), OpenError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(OpenError::Folder(folder.to_owned()));
    }
    let file = open(path).and_then(|file| only_mine(&file));
    file.map_err(|source| OpenError::File { path: path.to_owned(), source })
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn only_mine(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = file.metadata()?.permissions();
    if permissions.mode() & 0o077 == 0 {
        return Ok(());
    }
    file.set_permissions(PermissionsExt::from_mode(0o600))
}

#[cfg(not(unix))]
fn only_mine(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_is_its_owners_alone_even_one_that_was_not() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relais.db");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        prepare(&path).unwrap();
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        prepare(&path).unwrap();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn a_missing_folder_and_a_folder_in_its_place_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let missing = prepare(&folder.path().join("missing/relais.db")).unwrap_err();
        assert!(matches!(missing, OpenError::Folder(_)), "{missing}");
        assert!(missing.to_string().contains("missing"), "{missing}");
        let taken = prepare(folder.path()).unwrap_err();
        assert!(matches!(taken, OpenError::File { .. }), "{taken}");
    }
}
