//! The one-time token that makes the first admin, in a file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use relais_domain::{
    ports::{Cause, Rng},
    secret::Secret,
};

use crate::files;

/// A token in a file of its owner's, 64 hexadecimal digits. Taking it moves the file aside.
#[derive(Debug, Clone)]
pub struct SetupToken {
    path: PathBuf,
}

impl SetupToken {
    /// The token at `path`. Where nobody is admin there is one afterwards, the one from before if there was one; where somebody
    /// is there is none. Returns where it lies, if it does.
    ///
    /// # Errors
    /// As the system says.
    pub fn open(path: PathBuf, admins: usize, rng: &dyn Rng) -> io::Result<(Self, Option<PathBuf>)> {
        let own = Self { path };
        if admins > 0 {
            for path in [&own.path, &own.aside()] {
                absent_is_fine(fs::remove_file(path))?;
            }
            return Ok((own, None));
        }
        if !own.path.exists() {
            // Taken by a process that was killed before anybody was admin.
            absent_is_fine(fs::rename(own.aside(), &own.path))?;
        }
        if !own.path.exists() {
            let mut bytes = [0_u8; 32];
            rng.fill(&mut bytes);
            let text = Secret::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
            files::write_private(&own.path, format!("{}\n", text.expose()).as_bytes())?;
        }
        files::check_private(&own.path)?;
        let path = own.path.clone();
        Ok((own, Some(path)))
    }

    fn aside(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".taken");
        name.into()
    }

    fn holds(path: &Path, given: &Secret) -> io::Result<bool> {
        let text = match fs::read_to_string(path) {
            Ok(text) => Secret::from(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let (own, given) = (text.expose().trim().as_bytes(), given.expose().as_bytes());
        // Every byte is looked at, so that a guess that is nearly right takes as long as another.
        let differ = own.iter().zip(given).fold(0_u8, |differ, (own, given)| differ | (own ^ given));
        Ok(!own.is_empty() && own.len() == given.len() && differ == 0)
    }
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[async_trait]
impl relais_domain::ports::SetupToken for SetupToken {
    async fn is(&self, given: &Secret) -> Result<bool, Cause> {
        Ok(Self::holds(&self.path, given)?)
    }

    async fn take(&self, given: &Secret) -> Result<bool, Cause> {
        if !Self::holds(&self.path, given)? {
            return Ok(false);
        }
        match fs::rename(&self.path, self.aside()) {
            Ok(()) => Ok(true),
            // Another was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn put_back(&self, _: &Secret) -> Result<(), Cause> {
        Ok(fs::rename(self.aside(), &self.path)?)
    }
}

#[cfg(test)]
mod tests {
    use relais_domain::{memory, testing};

    use super::*;

    fn open(folder: &Path, admins: usize) -> (SetupToken, Option<Secret>) {
        let (token, path) = SetupToken::open(folder.join("setup-token"), admins, &memory::Rng::default()).unwrap();
        let text = path.map(|path| fs::read_to_string(path).unwrap().trim().into());
        (token, text)
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        let (token, text) = open(folder.path(), 0);
        let text = text.unwrap();
        assert_eq!(text.expose().len(), 64);
        testing::setup_token::suite(&token, &text).await;
    }

    #[cfg(unix)]
    #[test]
    fn it_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        open(folder.path(), 0);
        let path = folder.path().join("setup-token");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(SetupToken::open(path, 0, &memory::Rng::default()).is_err());
    }

    #[tokio::test]
    async fn it_stays_until_somebody_is_admin_and_no_longer() {
        use relais_domain::ports::SetupToken as _;
        let folder = tempfile::tempdir().unwrap();
        let (token, first) = open(folder.path(), 0);
        let first = first.unwrap();
        assert!(open(folder.path(), 0).1.unwrap().expose() == first.expose(), "the next start has the same");
        // Killed between taking it and making an admin.
        assert!(token.take(&first).await.unwrap());
        assert!(open(folder.path(), 0).1.unwrap().expose() == first.expose(), "it is not lost");
        let (token, none) = open(folder.path(), 1);
        assert!(none.is_none() && !token.take(&first).await.unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
