//! What lies in the data folder on purpose, and for whose eyes.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::support::{Canaries, files};

/// The keys of a house, each at home in its own file.
pub(super) struct Keys {
    pub(super) count: usize,
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

impl Keys {
    /// Plants every seed and key that lies in the data folder, and the set-up token; all of them lie in `copies` too.
    pub(super) fn of(data: &Path, canaries: &mut Canaries, copies: &[&Path]) -> Self {
        let mut count = 0;
        for path in files(data) {
            let name = name(&path);
            if !(name.ends_with(".nk") || name.ends_with(".key") || name.starts_with("setup-token")) {
                continue;
            }
            let secret = fs::read_to_string(&path).unwrap();
            // Until the next start it lies aside when it was redeemed, and is worth nothing.
            let taken = data.join("setup-token.taken");
            let homes = [&[&*path, &*taken], copies].concat();
            canaries.plant_at(&format!("what {name} holds"), secret.trim(), &homes);
            count += 1;
        }
        assert!(count >= 7, "operator, accounts, signing keys, access tokens, set-up token: {count}");
        Self { count }
    }
}

/// The file in the store that holds a seed.
pub(super) fn key_file(data: &Path, seed: &str) -> PathBuf {
    let holds = |path: &PathBuf| name(path).ends_with(".nk") && fs::read_to_string(path).unwrap().trim() == seed;
    files(data).into_iter().find(holds).expect("the store holds it")
}

/// Nobody else gets into the data folder, nor at what programs have put there.
pub(super) fn is_private(data: &Path) {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(data), 0o700, "{}", data.display());
    for path in files(data) {
        let name = name(&path);
        let secret = [".nk", ".key", ".creds", ".db", ".db-wal", ".db-shm"].iter().any(|end| name.ends_with(end));
        if secret || name.starts_with("setup-token") {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        // Folders of keys are closed too, though the one above them is.
        if name.ends_with(".nk") {
            assert_eq!(mode(path.parent().unwrap()), 0o700, "{}", path.display());
        }
    }
}
