//! Secrets that must be found nowhere but at home, and what finds them, in whatever form they were written down.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL, HEXLOWER, HEXUPPER};

/// How much of a form is looked up at once; no form is shorter.
const START: usize = 6;

/// Secrets by name.
#[derive(Default)]
pub(crate) struct Canaries {
    all: Vec<Canary>,
    /// The first bytes of every form, and whose form it is.
    starts: HashMap<[u8; START], Vec<(usize, usize)>>,
}

struct Canary {
    name: String,
    /// Where it lies on purpose.
    homes: Vec<PathBuf>,
    forms: Vec<(&'static str, Vec<u8>)>,
}

/// A secret that was found: its name, and in which form.
pub(crate) type Found = BTreeSet<(String, &'static str)>;

impl Canaries {
    /// Looks for this text from now on, whatever file it lies in.
    pub(crate) fn plant(&mut self, name: &str, secret: &str) {
        self.plant_at(name, secret, &[]);
    }

    /// Looks for this text, which lies in some files on purpose.
    pub(crate) fn plant_at(&mut self, name: &str, secret: &str, homes: &[&Path]) {
        assert!(secret.len() >= START, "{name} is too short to be told from chance");
        let mut forms = forms(secret.as_bytes());
        forms.push(("percent", percent(secret.as_bytes())));
        forms.push(("UTF-16", secret.encode_utf16().flat_map(u16::to_le_bytes).collect()));
        // What a seed or a key in hexadecimal says is worth as much without its letters.
        for (form, bytes) in [("as a seed's bytes", seed(secret)), ("as a key's bytes", key(secret))] {
            if let Some(bytes) = bytes {
                forms.extend(self::forms(&bytes).into_iter().map(|(_, bytes)| (form, bytes)));
            }
        }
        let at = self.all.len();
        for (number, (_, bytes)) in forms.iter().enumerate() {
            self.starts.entry(bytes[..START].try_into().unwrap()).or_default().push((at, number));
        }
        self.all.push(Canary {
            name: name.to_owned(),
            homes: homes.iter().map(|home| (*home).to_owned()).collect(),
            forms,
        });
    }

    /// What `bytes` hold.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Found {
        self.hits(bytes).into_iter().map(|(at, form)| (self.all[at].name.clone(), form)).collect()
    }

    fn hits(&self, bytes: &[u8]) -> BTreeSet<(usize, &'static str)> {
        // Most places begin nothing, which two bytes say.
        let mut begins = vec![false; 1 << 16];
        let pair = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
        self.starts.keys().for_each(|start| begins[pair(start)] = true);
        let mut hits = BTreeSet::new();
        for at in 0..bytes.len().saturating_sub(START - 1) {
            if !begins[pair(&bytes[at..])] {
                continue;
            }
            for (own, form) in self.starts.get(&bytes[at..at + START]).into_iter().flatten() {
                let (name, form) = &self.all[*own].forms[*form];
                if bytes[at..].starts_with(form) {
                    hits.insert((*own, *name));
                }
            }
        }
        hits
    }

    /// Nothing of them is in `bytes`.
    #[track_caller]
    pub(crate) fn absent(&self, place: &str, bytes: impl AsRef<[u8]>) {
        let found = self.found_in(bytes.as_ref());
        assert!(found.is_empty(), "in {place}: {found:?}");
    }

    /// Every file below a folder holds those that are at home there alone, and who holds one is for its owner's eyes, whatever
    /// folder it is in. Returns the names of those that were at home.
    #[track_caller]
    pub(crate) fn sweep(&self, folder: &Path) -> BTreeSet<String> {
        let (mut wrong, mut home) = (Vec::new(), BTreeSet::new());
        for path in files(folder) {
            // A draft, or a socket, that is gone by now.
            let (Ok(bytes), Ok(about)) = (fs::read(&path), fs::metadata(&path)) else { continue };
            let mode = about.permissions().mode() & 0o777;
            for (own, form) in self.hits(&bytes) {
                let canary = &self.all[own];
                if !canary.homes.contains(&path) {
                    wrong.push(format!("{} ({form}) is in {}", canary.name, path.display()));
                } else if mode & 0o077 != 0 {
                    wrong.push(format!("{}, which holds {}, has mode {mode:o}", path.display(), canary.name));
                } else {
                    home.insert(canary.name.clone());
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        home
    }
}

/// Every file below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// How bytes are written down.
fn forms(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut list = String::new();
    bytes.iter().for_each(|byte| write!(list, "{byte}, ").unwrap());
    let mut forms = vec![
        ("as it is", bytes.to_vec()),
        ("hex", HEXLOWER.encode(bytes).into_bytes()),
        ("HEX", HEXUPPER.encode(bytes).into_bytes()),
        ("a list of bytes", list.trim_end_matches(", ").to_owned().into_bytes()),
    ];
    // Behind any number of other bytes, as in `user:password`: of the letters that hold something of a neighbour too nothing is known.
    for before in 0..3 {
        let padded = [&vec![0; before][..], bytes].concat();
        let (first, last) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for (form, encoding) in [("base64", &BASE64), ("base64url", &BASE64URL)] {
            forms.push((form, encoding.encode(&padded).as_bytes()[first..last].to_vec()));
        }
    }
    forms
}

/// As in the user part of a URL.
fn percent(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            write!(text, "%{byte:02X}").unwrap();
        }
    }
    text.into_bytes()
}

/// The 32 bytes in an nkey's seed.
fn seed(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE32_NOPAD.decode(text.as_bytes()).ok()?;
    (text.starts_with('S') && bytes.len() == 36).then(|| bytes[2..34].to_vec())
}

/// The bytes of a key in hexadecimal.
fn key(text: &str) -> Option<Vec<u8>> {
    (text.len() == 64).then(|| HEXLOWER.decode(text.as_bytes()).ok()).flatten()
}

#[test]
fn a_canary_is_found_in_every_form_it_is_planted_in() {
    let folder = tempfile::tempdir().unwrap();
    let (password, seed, key) =
        ("hunter2/@%", "SUAAOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBZ5FE", "a0b1".repeat(16));
    let home = folder.path().join("deep/home");
    let mut canaries = Canaries::default();
    canaries.plant("the password", password);
    canaries.plant_at("the seed", seed, &[&home]);
    canaries.plant("the key", &key);
    let raw = [7; 32];
    for (name, bytes) in [
        ("the password", password.as_bytes().to_vec()),
        ("the password", b"postgres://u:hunter2%2F%40%25@h".to_vec()),
        ("the password", BASE64.encode(b"hunter2/@%").into_bytes()),
        ("the password", BASE64.encode(b"\0u\0hunter2/@%").into_bytes()),
        ("the password", BASE64.encode(b"u:hunter2/@%!").into_bytes()),
        ("the password", BASE64URL.encode(b"uu:hunter2/@%??").into_bytes()),
        ("the password", HEXLOWER.encode(b"u:hunter2/@%").into_bytes()),
        ("the password", HEXUPPER.encode(b"u:hunter2/@%").into_bytes()),
        ("the password", format!("{:?}", b"u:hunter2/@%".to_vec()).into_bytes()),
        ("the password", "hunter2/@%".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("the seed", seed.as_bytes().to_vec()),
        ("the seed", raw.to_vec()),
        ("the seed", BASE64URL.encode(&raw).into_bytes()),
        ("the seed", format!("{raw:?}").into_bytes()),
        ("the key", HEXLOWER.decode(key.as_bytes()).unwrap()),
        ("the key", format!("\\x{key}").into_bytes()),
    ] {
        let around = [b"\xffbefore ", &*bytes, b" behind"].concat();
        let found = canaries.found_in(&around);
        assert!(found.iter().any(|(own, _)| own == name), "{name} in {:?}", String::from_utf8_lossy(&around));
        assert!(found.iter().all(|(own, _)| own == name), "and nothing else: {found:?}");
    }
    for other in ["hunter2", "hunter2/@", "", "hunter", &seed[..40], &key[..60]] {
        canaries.absent("what is not all of it", other);
    }
    // In files: at home and for its owner's eyes, or not.
    fs::create_dir(folder.path().join("deep")).unwrap();
    let mode = |mode| fs::set_permissions(&home, fs::Permissions::from_mode(mode)).unwrap();
    let sweeps = || std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| canaries.sweep(folder.path())));
    fs::write(&home, seed).unwrap();
    mode(0o600);
    assert_eq!(sweeps().unwrap(), BTreeSet::from(["the seed".to_owned()]));
    for open in [0o640, 0o604, 0o620] {
        mode(open);
        assert!(sweeps().is_err(), "others can get at it");
    }
    mode(0o600);
    fs::write(folder.path().join("elsewhere"), HEXLOWER.encode(&raw)).unwrap();
    assert!(sweeps().is_err(), "it is somewhere else too");
}
